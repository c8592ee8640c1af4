"""Brings up the loopback interface of a new network namespace and runs a command in it."""

import fcntl
import os
import socket
import struct
import sys

SIOCSIFFLAGS = 0x8914
IFF_UP_RUNNING_LOOPBACK = 0x49

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
    request = struct.pack("16sh14x", b"lo", IFF_UP_RUNNING_LOOPBACK)
    fcntl.ioctl(handle, SIOCSIFFLAGS, request)
os.execvp(sys.argv[1], sys.argv[1:])
