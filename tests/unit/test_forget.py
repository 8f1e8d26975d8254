# SPDX-License-Identifier: Apache-2.0
"""What a method remembers, and how people erase it."""

import os

from softwire import forget, provisioning, state
from test_state import HERE, RunDirectory


class Forget(RunDirectory):
    """`softwire forget` erases what is remembered in RAM and on flash, of one interface alone."""

    def setUp(self):
        super().setUp()
        self.flash = state.LASTING_DIR
        state.LASTING_DIR = HERE + "/flash"
        os.mkdir(state.LASTING_DIR)

    def tearDown(self):
        for name in os.listdir(state.LASTING_DIR):
            os.remove(state.LASTING_DIR + "/" + name)
        os.rmdir(state.LASTING_DIR)
        state.LASTING_DIR = self.flash
        super().tearDown()

    def test_forgotten(self):
        method, other = provisioning.Method({}, "wan"), provisioning.Method({}, "wan_b")
        for lasting in (False, True):
            method.keep({"token": "t"}, lasting)
            other.keep({"token": "u"}, lasting)
        self.assertEqual(forget.main("wan"), 0)
        self.assertEqual([method.kept(), method.kept(True)], [None, None])
        self.assertEqual([other.kept(), other.kept(True)], [{"token": "u"}] * 2)
        self.assertEqual(forget.main("wan"), 0)

    def test_a_name_is_no_path(self):
        self.assertEqual(forget.main("../wan"), 2)
