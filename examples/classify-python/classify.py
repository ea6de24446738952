#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is on these pictures? Asks one member of a model, or for the best answer within a deadline."""
import argparse
import pathlib
import re
import sys
import time

import limber
import numpy as np


def read(file, channels):
    """A binary PGM (grey) or PPM (RGB) of 8 bits without comments, of any size, as (height, width, channels)."""
    data = pathlib.Path(file).read_bytes()
    header = re.match(rb"P(\d)\s+(\d+)\s+(\d+)\s+255\s", data)
    if not header or int(header[1]) != (5 if channels == 1 else 6):
        raise ValueError(f"{file}: not a readable binary {'PGM' if channels == 1 else 'PPM'} of 8 bits")
    width, height = int(header[2]), int(header[3])
    return np.frombuffer(data, np.uint8, height * width * channels, header.end()).reshape(height, width, channels)


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("model")
how = parser.add_mutually_exclusive_group(required=True)
how.add_argument("--member", help="for instance 50%%")
how.add_argument("--deadline-ms", type=float)
parser.add_argument("pictures", nargs="+")
arguments = parser.parse_args()
try:
    model = limber.Model(arguments.model)
    session = limber.Session(model, anytime_images=0 if arguments.member else 1)
    if arguments.member:
        session.select(arguments.member)
    for file in arguments.pictures:
        picture = read(file, model.members[0].image[2])
        session.set_image_size(*picture.shape[:2])
        if arguments.member:
            member, answer = session.active, session.infer(picture)
        else:
            exits, answer = session.infer_anytime(picture, time.monotonic() + arguments.deadline_ms / 1000)
            member = exits - 1
            if answer is None:
                sys.exit(f"{file}: no answer in time")
        output, confidence = model.best(answer)
        print(f"{file}: {model.label(output)}, {confidence:g}, by {model.members[member].name}")
except (limber.Error, OSError, ValueError) as error:
    sys.exit(str(error))
