#!/bin/sh
# No service may start in a copy of a machine.
exit 101
