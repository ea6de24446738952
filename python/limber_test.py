# SPDX-License-Identifier: Apache-2.0
"""The Python module against the C ABI (through ctypes) and against `limber eval`.

usage: limber_test.py LIBLIMBER MODELS [LIMBER LIMBERD]
"""
import ctypes
import gc
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import limber
import numpy as np

LIBRARY, MODELS = sys.argv[1], pathlib.Path(sys.argv[2])
TOOL, DAEMON = sys.argv[3:5] if len(sys.argv) > 4 else (None, None)
FASHION = MODELS / "fashion-incremental.safetensors"
RESOLUTIONS = MODELS / "cifar10-ofa-small.safetensors"  # does not nest
IMAGES = pathlib.Path("/usr/share/datasets/fashion-mnist")


def c_answers(path, member, pixels, size=(0, 0)):
    """What the C ABI says about uint8 [images][height][width][channels]."""
    c = ctypes.CDLL(LIBRARY)
    for name in "limber_model_open", "limber_session_open":
        getattr(c, name).restype = ctypes.c_void_p
    c.limber_model_outputs.restype = ctypes.c_int64
    pointer, count, integer = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64
    model = pointer(c.limber_model_open(os.fsencode(path), None))
    session = pointer(c.limber_session_open(model))
    answers = np.zeros((len(pixels), c.limber_model_outputs(model, member)), np.float32)
    done = (c.limber_session_select(session, member),
            c.limber_session_set_image_size(session, integer(size[0]), integer(size[1])),
            c.limber_infer_pixels(session, integer(len(pixels)), pixels.ctypes.data_as(pointer), count(pixels.size),
                                  answers.ctypes.data_as(pointer), count(answers.size)))
    c.limber_session_free(session)
    c.limber_model_free(model)
    assert done == (0, 0, 0), done
    return answers


def noise(*shape):
    return np.random.default_rng(7).integers(0, 256, shape, np.uint8)


class ModelTest(unittest.TestCase):
    def test_tells_what_it_is(self):
        model = limber.Model(FASHION)
        self.assertEqual(model.name, "fashion-incremental")
        self.assertEqual(len(model.hash), 64)
        self.assertEqual([member.name for member in model.members], ["25%", "50%", "75%", "100%"])
        self.assertEqual([member.index for member in model.members], [0, 1, 2, 3])
        self.assertEqual(model.members[1].choice, "groups=2")
        self.assertEqual(model.members[1].image, (28, 28, 1))
        macs = [member.macs for member in model.members]
        self.assertEqual(macs, sorted(set(macs)))
        self.assertAlmostEqual(model.members[3].top1_test, 0.91, delta=0.03)
        self.assertEqual((model.find_member("75%"), model.exits), (2, 4))
        self.assertGreater(model.memory["weights"], 0)
        self.assertEqual(model.label(10), "")
        self.assertEqual(len(model.normalisation(0)), 2)

    def test_members_outlive_their_model(self):
        members = limber.Model(str(FASHION)).members
        gc.collect()
        self.assertEqual((members[0].name, members[0].choice), ("25%", "groups=1"))

    def test_options(self):
        with tempfile.TemporaryDirectory() as cache:
            model = limber.Model(FASHION, isa="reference", cache=pathlib.Path(cache))
            self.assertEqual(model.isa, "reference")
            self.assertNotEqual(os.listdir(cache), [])
        self.assertFalse(limber.Model(FASHION, cache="").memory["shared"])

    def test_errors_say_what_is_legal(self):
        with self.assertRaisesRegex(limber.Error, "/missing.safetensors") as missing:
            limber.Model("/missing.safetensors")
        self.assertEqual(missing.exception.code, limber.ErrorCode.NOT_FOUND)
        with self.assertRaises(limber.Error) as damaged:
            limber.Model(__file__)
        self.assertEqual(damaged.exception.code, limber.ErrorCode.BAD_FILE)
        with self.assertRaises(limber.Error):  # a name that is no UTF-8
            limber.Model(b"/missing-\xff")
        model = limber.Model(FASHION)
        with self.assertRaisesRegex(ValueError, "25%, 50%, 75%, 100%"):
            model.find_member("12%")
        with self.assertRaises(limber.InvalidArgument):
            model.normalisation(1)
        with self.assertRaisesRegex(limber.InvalidArgument, r"\(1, 10\); legal: \(10,\)"):
            model.best(np.zeros((1, 10), np.float32))
        with self.assertRaisesRegex(TypeError, "float64"):
            model.best(np.zeros(10))


class SessionTest(unittest.TestCase):
    def setUp(self):
        self.model = limber.Model(FASHION)
        self.session = limber.Session(self.model)

    def test_every_member_answers_as_the_c_abi_says(self):
        for path in FASHION, RESOLUTIONS:
            model = limber.Model(path)
            session = limber.Session(model)
            for member in model.members:
                pixels = noise(3, *member.image)
                session.select(member.name)
                self.assertEqual(session.active, member.index)
                answers = session.infer(pixels)
                np.testing.assert_array_equal(answers, c_answers(path, member.index, pixels))
                self.assertEqual((answers.dtype, answers.shape), (np.float32, (3, member.outputs)))
                session.select(member.index)
                np.testing.assert_array_equal(session.infer(pixels[1]), answers[1])

    def test_images_of_another_size(self):
        pixels = noise(2, 40, 31, 1)
        with self.assertRaisesRegex(ValueError, r"set_image_size\(height, width\)"):
            self.session.infer(pixels)
        self.session.set_image_size(40, 31)
        np.testing.assert_array_equal(self.session.infer(pixels), c_answers(FASHION, 0, pixels, (40, 31)))
        with self.assertRaisesRegex(ValueError, r"legal: \(40, 31, 1\) or \(n, 40, 31, 1\), which set_image_size"):
            self.session.infer(noise(28, 28))
        self.session.set_image_size(0, 0)
        self.assertEqual(self.session.infer(noise(28, 28)).shape, (10,))

    def test_every_layout_answers_the_same(self):
        pixels = noise(4, 28, 28, 1)
        expected = self.session.infer(pixels)
        mean, deviation = self.model.normalisation(0)
        planes = (pixels.astype(np.float32) / np.float32(255) - np.float32(mean)) / np.float32(deviation)
        planes = planes.transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(self.session.infer(planes), expected)
        np.testing.assert_array_equal(self.session.infer(planes[2]), expected[2])
        np.testing.assert_array_equal(self.session.infer(pixels[3, :, :, 0]), expected[3])
        np.testing.assert_array_equal(self.session.infer(pixels[::2]), expected[::2])  # not contiguous
        unaligned = np.zeros(planes.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(planes.shape)
        unaligned[:] = planes
        np.testing.assert_array_equal(self.session.infer(unaligned), expected)
        self.assertEqual(self.session.infer(pixels[:0]).shape, (0, 10))

    def test_answers_go_where_the_caller_says(self):
        pixels, out = noise(2, 28, 28, 1), np.empty((2, 10), np.float32)
        self.assertIs(self.session.infer(pixels, out=out), out)
        np.testing.assert_array_equal(out, self.session.infer(pixels))
        frozen = out.copy()
        frozen.flags.writeable = False
        unaligned = np.zeros(81, np.uint8)[1:].view(np.float32).reshape(2, 10)
        for wrong in out[0], out.T, np.empty((2, 20), np.float32)[:, ::2], frozen, unaligned:
            with self.assertRaises(limber.InvalidArgument):
                self.session.infer(pixels, out=wrong)
        for wrong in out.astype(np.float64), [0.0] * 10:
            with self.assertRaisesRegex(TypeError, "out"):
                self.session.infer(pixels, out=wrong)

    def test_wrong_arrays_are_refused(self):
        for shape in (28,), (28, 28, 3), (1, 28, 28), (1, 1, 28, 28, 1), (), (784,):
            with self.assertRaisesRegex(limber.InvalidArgument, r"legal: \(28, 28"):
                self.session.infer(noise(*shape) if shape else np.array(3, np.uint8))
        with self.assertRaisesRegex(limber.InvalidArgument, r"legal: \(1, 28, 28\) or \(n, 1, 28, 28\)"):
            self.session.infer(np.zeros((28, 28, 1), np.float32))
        for wrong in np.zeros((28, 28, 1)), np.zeros((28, 28, 1), np.int8), np.zeros((1, 28, 28), ">f4"):
            with self.assertRaisesRegex(TypeError, "legal: uint8 pixels"):
                self.session.infer(wrong)
        for wrong in [[1, 2]], "x", None:
            with self.assertRaisesRegex(TypeError, "images: numpy.ndarray"):
                self.session.infer(wrong)

    def test_wrong_members_and_options_are_refused(self):
        for wrong in -1, 4, "12%":
            with self.assertRaisesRegex(limber.InvalidArgument, "legal"):
                self.session.select(wrong)
        with self.assertRaises(limber.InvalidArgument):
            limber.Session(self.model, cores=[100000])
        with self.assertRaisesRegex(limber.InvalidArgument, "do not nest"):
            limber.Session(limber.Model(RESOLUTIONS), anytime_images=1)
        with self.assertRaisesRegex(limber.InvalidArgument, "no symbol"):
            self.session.set_symbol("length", 3)
        with self.assertRaises(TypeError):
            limber.Session(None)

    def test_a_session_keeps_its_model(self):
        session = limber.Session(limber.Model(FASHION), cores=[min(os.sched_getaffinity(0))])
        gc.collect()
        self.assertEqual(session.model.name, "fashion-incremental")
        done = []  # on a thread of its own, which stays on that core
        worker = threading.Thread(target=lambda: done.append(session.infer(noise(28, 28))))
        worker.start()
        worker.join()
        np.testing.assert_array_equal(done[0], self.session.infer(noise(28, 28)))

    def test_threads_run_at_once_and_a_shared_session_refuses(self):
        pixels = noise(20000, 28, 28, 1)
        session = limber.Session(self.model)
        refused, done = [], []
        for _ in range(50):  # a busy machine may run this thread too late to meet the other
            worker = threading.Thread(target=lambda: done.append(session.infer(pixels)))
            worker.start()
            while worker.is_alive() and not refused:
                try:
                    session.reset_state()
                except limber.InvalidArgument as error:
                    refused.append(str(error))
            worker.join()
            if refused:
                break
        self.assertIn("in use by another call", refused[0] if refused else "never refused: the GIL was held")
        np.testing.assert_array_equal(done[-1][:50], self.session.infer(pixels[:50]))


class AnytimeTest(unittest.TestCase):
    def setUp(self):
        self.model = limber.Model(FASHION)
        self.session = limber.Session(self.model, anytime_images=2)
        self.pixels = noise(2, 28, 28, 1)

    def test_exits_answer_as_the_members_do(self):
        members = [c_answers(FASHION, member.index, self.pixels) for member in self.model.members]
        seen = []
        exits, answers = self.session.infer_anytime(
            self.pixels, publish=lambda exit, answers: seen.append((exit, answers.copy())))
        self.assertEqual((exits, [exit for exit, _ in seen]), (4, [0, 1, 2, 3]))
        np.testing.assert_array_equal([said for _, said in seen], members)
        np.testing.assert_array_equal(answers, members[3])

    def test_publish_stops(self):
        exits, answers = self.session.infer_anytime(self.pixels, publish=lambda exit, answers: exit < 1)
        self.assertEqual(exits, 2)
        np.testing.assert_array_equal(answers, c_answers(FASHION, 1, self.pixels))

    def test_deadlines(self):
        out = np.full((2, 10), 3, np.float32)
        for passed in time.monotonic() - 1, 0, -5, float("-inf"):
            self.assertEqual(self.session.infer_anytime(self.pixels, deadline=passed, out=out), (0, None))
        self.assertTrue((out == 3).all())
        for far in time.monotonic() + 60, float("inf"), 1e300, None:
            self.assertEqual(self.session.infer_anytime(self.pixels, deadline=far, out=out)[0], 4)
        np.testing.assert_array_equal(out, c_answers(FASHION, 3, self.pixels))
        with self.assertRaisesRegex(ValueError, "nan"):
            self.session.infer_anytime(self.pixels, deadline=float("nan"))

    def test_what_publish_raises_comes_out(self):
        def publish(exit, answers):
            raise KeyError("mine")

        with self.assertRaisesRegex(KeyError, "mine"):
            self.session.infer_anytime(self.pixels, publish=publish)
        with self.assertRaisesRegex(limber.InvalidArgument, "in use by another call"):
            self.session.infer_anytime(self.pixels, publish=lambda exit, answers: self.session.select(0))
        self.assertEqual(self.session.infer_anytime(self.pixels)[0], 4)

    def test_needs_room(self):
        with self.assertRaisesRegex(limber.InvalidArgument, "up to 2"):
            self.session.infer_anytime(noise(3, 28, 28, 1))
        with self.assertRaisesRegex(limber.InvalidArgument, "anytime"):
            limber.Session(self.model).infer_anytime(self.pixels)


class ManagedTest(unittest.TestCase):
    def managed(self, **other):
        arguments = {"members": [("small", 0.8), ("large", 0.9)], "options": [(0, 4), (1, 11.0), (1, 7.0, 2, "A15")],
                     "deadline_ms": 33, "accuracy": 0.85, "socket": "/nowhere/limberd.sock", **other}
        return limber.ManagedSession("test", **arguments)

    def test_manages_itself(self):
        managed = self.managed(announces=True)
        self.assertFalse(managed.wait(10))
        self.assertFalse(managed.begin(33))
        self.assertEqual((managed.managed, managed.floor, managed.ceiling, managed.cpus), (False, 1, 1, []))
        self.assertEqual((managed.processor, managed.khz, managed.fileno()), ("", 0, -1))
        self.assertIn("self-managed: no limberd at /nowhere/limberd.sock", managed.reason)
        managed.report(12, True, 1)
        managed.report(12, met=False, member=0, confidence=0.9)
        managed.set_target(deadline_ms=50, accuracy=0.5, prefer="accuracy")
        managed.update()
        self.assertEqual(managed.floor, 0)

    @unittest.skipUnless(DAEMON, "this build has no limberd")
    def test_limberd_manages_it(self):
        with tempfile.TemporaryDirectory() as folder:
            socket = os.path.join(folder, "limberd.sock")
            with open(os.path.join(folder, "log"), "w+") as log, subprocess.Popen(
                    [DAEMON, "--boost", "off", "--socket", socket], stderr=log) as daemon:
                try:
                    managed = self.managed(socket=socket, options=[(0, 4.0), (1, 11.0)])
                    until = time.monotonic() + 20
                    while not managed.wait(100) and time.monotonic() < until:
                        self.assertIsNone(daemon.poll(), log.seek(0) or log.read())
                    self.assertTrue(managed.managed, managed.reason)
                    self.assertGreaterEqual(managed.fileno(), 0)
                    self.assertEqual(managed.ceiling, 1)
                    self.assertTrue(set(managed.cpus) <= os.sched_getaffinity(0), managed.cpus)
                    for _ in range(3):
                        managed.update()
                        managed.report(11, True, managed.ceiling, 0.9)
                    self.assertNotIn("self-managed", managed.reason)
                finally:
                    daemon.terminate()
            managed.wait(100)
            self.assertFalse(managed.managed)
            self.assertIn("self-managed", managed.reason)

    def test_names_what_is_not_legal(self):
        for says, wrong in {"deadline_ms": {"deadline_ms": 0}, "legal: 0 to 1": {"options": [(2, 5.0)]},
                            "accuracy of member 'small'": {"members": [("small", 80), ("large", 0.9)]},
                            "0 options": {"options": []}, "legal: efficiency, accuracy": {"prefer": "speed"}}.items():
            with self.assertRaisesRegex(limber.InvalidArgument, says):
                self.managed(**wrong)
        with self.assertRaisesRegex(limber.InvalidArgument, "set announces to 1"):
            self.managed().begin(33)
        with self.assertRaises(limber.InvalidArgument):
            self.managed().report(5, True, 2)
        with self.assertRaises(TypeError):
            limber.ManagedSession("test", [("small", 0.8)], [(0, 4.0)])  # without a deadline


@unittest.skipUnless(TOOL, "this build has no limber command")
class CommandLineTest(unittest.TestCase):
    def test_right_answers_are_those_of_limber_eval(self):
        if not IMAGES.exists():
            if os.environ.get("LIMBER_REQUIRE_DATA") == "1":
                self.fail(f"no {IMAGES}, and LIMBER_REQUIRE_DATA is 1")
            self.skipTest(f"no {IMAGES}: install dataset-fashion-mnist")
        pixels = np.frombuffer(gzip.open(IMAGES / "t10k-images-idx3-ubyte.gz").read()[16:], np.uint8)
        labels = np.frombuffer(gzip.open(IMAGES / "t10k-labels-idx1-ubyte.gz").read()[8:], np.uint8)
        said = json.loads(subprocess.run([TOOL, "eval", FASHION, "--data", IMAGES, "--json"], check=True,
                                         stdout=subprocess.PIPE).stdout)
        session = limber.Session(limber.Model(FASHION))
        for member in said["members"]:
            session.select(member["name"])
            answers = session.infer(pixels.reshape(-1, 28, 28, 1))
            self.assertEqual(int((answers.argmax(axis=1) == labels).sum()), member["right"])
        self.assertEqual(len(said["members"]), 4)


class DocumentationTest(unittest.TestCase):
    def test_everything_has_a_text(self):
        def text(what):  # beyond the signature that every function has
            doc = what.__doc__ or ""
            return doc.split("\n\n", 1)[1] if "(self: " in doc and "\n\n" in doc else doc.partition("(self: ")[0]

        self.assertGreater(len(limber.__doc__), 100)
        for name, of_module in vars(limber).items():
            if name.startswith("__") or name == "ErrorCode":  # of its values: what pybind11 makes
                continue
            self.assertTrue(of_module.__doc__, name)
            for attribute, what in vars(of_module).items():
                if not attribute.startswith("_") and (callable(what) or isinstance(what, property)):
                    self.assertTrue(text(what).strip(), f"{name}.{attribute}")
        for made in limber.Model, limber.Session, limber.ManagedSession:
            self.assertTrue(text(made.__init__).strip(), made)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
