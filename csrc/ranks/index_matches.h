// The match index of a gallery from its labels.

#pragma once

#include <cstdint>
#include <vector>

#include "match_index.h"

namespace vreid {

constexpr int64_t JUNK = -1;             // the pid of what never takes a rank
constexpr int8_t GALLERY = 0, QUERY = 1;  // groups

// Numbers the people that queries show, in a hash table with open addressing.
class People {
 public:
  explicit People(int64_t most) {
    while (int64_t(1) << bits < 2 * most) ++bits;
    number.assign(int64_t(1) << bits, -1);
    pid.resize(number.size());
  }

  int64_t add(int64_t person) {
    const int64_t slot = place(person);
    if (number[slot] < 0) {
      number[slot] = size++;
      pid[slot] = person;
    }
    return number[slot];
  }

  // -1 for a stranger.
  int64_t find(int64_t person) const { return number[place(person)]; }

  int64_t size = 0;

 private:
  int bits = 1;
  std::vector<int64_t> number, pid;

  int64_t place(int64_t person) const {
    int64_t slot = int64_t(uint64_t(person) * 0x9E3779B97F4A7C15u >> (64 - bits));  // multiplicative hashing
    while (number[slot] >= 0 && pid[slot] != person) slot = (slot + 1) & (int64_t(number.size()) - 1);
    return slot;
  }
};

inline Ints array(const std::vector<int64_t>& values, size_t size) { return Ints(int64_t(size), values.data()); }

// The fields of `vreid_bench.scoring.ranks.match_index.MatchIndex`.
inline py::tuple index_matches(const Ints& pids, const Ints& camids, const Ints& query, const Ints& gallery,
                               const Ints& own) {
  struct Item {
    int64_t place, camid;
  };
  const int64_t rows = query.size(), items = gallery.size();
  require(camids.size() == pids.size() && own.size() == rows, "index_matches: expected a camid for each pid and a place for each query");
  for (const auto* roles : {&query, &gallery})
    for (int64_t i = 0; i < roles->size(); ++i)
      require(roles->data()[i] >= 0 && roles->data()[i] < pids.size(), "index_matches: a row that does not exist");
  const int64_t *const pid = pids.data(), *const camid = camids.data();

  People people(rows);
  std::vector<int64_t> person(rows);
  for (int64_t q = 0; q < rows; ++q) person[q] = people.add(pid[query.data()[q]]);

  py::array_t<int8_t> group(items);
  std::vector<int64_t> known, shown, begin(people.size + 1);  // places of the people that queries show, and who it is
  for (int64_t g = 0; g < items; ++g) {
    const int64_t row = gallery.data()[g], number = people.find(pid[row]);
    group.mutable_data()[g] = pid[row] == JUNK ? -1 : GALLERY;
    if (number < 0) continue;
    known.push_back(g);
    shown.push_back(number);
    ++begin[number + 1];
  }
  for (int64_t q = 0; q < rows; ++q) {
    const int64_t place = own.data()[q];
    require(place < items, "index_matches: a place that does not exist");
    if (place >= 0) group.mutable_data()[place] = QUERY;
  }

  for (int64_t u = 0; u < people.size; ++u) begin[u + 1] += begin[u];
  std::vector<int64_t> next(begin.begin(), begin.end() - 1);
  std::vector<Item> of(known.size());  // of each person in turn, places rising
  for (size_t i = 0; i < known.size(); ++i) of[next[shown[i]]++] = {known[i], camid[gallery.data()[known[i]]]};

  int64_t pairs = 0, matches = 0, junks = 0;
  for (int64_t q = 0; q < rows; ++q) pairs += begin[person[q] + 1] - begin[person[q]];
  std::vector<int64_t> start{0}, item(pairs), junk_start{0}, junk(pairs);
  for (int64_t q = 0; q < rows; ++q) {
    const int64_t mine = camid[query.data()[q]];
    for (int64_t i = begin[person[q]]; i < begin[person[q] + 1]; ++i) {  // no branch, which nobody could predict
      item[matches] = junk[junks] = of[i].place;
      matches += of[i].camid != mine;
      junks += of[i].camid == mine;
    }
    start.push_back(matches);
    junk_start.push_back(junks);
  }
  return py::make_tuple(int64_t(QUERY) + 1, group, array(start, start.size()), array(item, matches),
                        array(junk_start, start.size()), array(junk, junks));
}

}  // namespace vreid
