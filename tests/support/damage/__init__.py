"""What can happen to a copy of a dataset, kind by kind."""

# each of these registers its kinds in KINDS
from damage import folders as folders
from damage import frames as frames
from damage import halves as halves
from damage import index_files as index_files
from damage import lists as lists
from damage import mars_index as mars_index
from damage import queries as queries
from damage.kinds import EVERY as EVERY
from damage.kinds import KINDS as KINDS
from damage.tree import READERS as READERS
from damage.tree import Tree as Tree
