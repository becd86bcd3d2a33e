#!/bin/bash
# exec into a container whose processes may trace: all that exec.sh tells, by way of one process more.
TRACES=1
. "$(dirname "$0")/exec.sh"
