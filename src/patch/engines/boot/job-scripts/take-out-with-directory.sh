# As take-out.sh, for a copy that had no generators of its own.
made_directory=yes
. /job/take-out.sh
