#!/usr/bin/env python3
"""Records what passes over the loopback interface while a command runs, as a pcap file.

    tests/captures/record.py FILE COMMAND...

Needs root (a packet socket). UDP only, and only what looks like SIP: a capture that is checked in
holds nothing else. The times are those since the first message, so that a recording does not tell
when it was made.
"""

import socket
import struct
import subprocess
import sys
import threading
import time

ETH_P_ALL = 3


def is_sip(frame):
    if frame[12:14] != b"\x08\x00" or frame[23] != 17:
        return False
    payload = frame[14 + (frame[14] & 15) * 4 + 8:]
    return b"SIP/2.0" in payload.split(b"\r\n", 1)[0]


def main():
    path, command = sys.argv[1], sys.argv[2:]
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    tap.bind(("lo", 0))
    tap.settimeout(0.2)
    frames, done = [], threading.Event()

    def listen():
        while True:
            try:
                frame, where = tap.recvfrom(65535)
            except TimeoutError:
                if done.is_set():
                    return
                continue
            # Each frame comes twice on the loopback: going out, and coming in.
            if where[2] != socket.PACKET_OUTGOING and is_sip(frame):
                frames.append((time.time_ns(), frame))

    listener = threading.Thread(target=listen)
    listener.start()
    status = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
    done.set()
    listener.join()
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for at, frame in frames:
            us = (at - frames[0][0]) // 1000
            file.write(struct.pack("<IIII", us // 1_000_000, us % 1_000_000, len(frame), len(frame)))
            file.write(frame)
    print(f"{path}: {len(frames)} messages")
    return status


if __name__ == "__main__":
    sys.exit(main())
