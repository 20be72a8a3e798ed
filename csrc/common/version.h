// The version of the native functions' names and arguments, which Python compares when it loads a module. It is written
// down once, in harness/vreid_bench/system/native.py, from where setup.py passes it on.

#pragma once

#ifndef VREID_VERSION
#error "compile with -DVREID_VERSION=N, where N is VERSION in harness/vreid_bench/system/native.py; setup.py does so"
#endif

namespace vreid {

constexpr int VERSION = VREID_VERSION;

}  // namespace vreid
