"""The library's own acceptance suite on our recorders, on real transactions."""

import gc
import os
from unittest import mock

import pytest
from django.test import TransactionTestCase
from eventsourcing.tests import application as applications
from eventsourcing.tests import persistence as suite
from eventsourcing.utils import Environment

from eventstore import persistence as ours
from tests.conftest import empty_the_log

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


class Clean(TransactionTestCase):
    def setUp(self):
        empty_the_log()
        super().setUp()

    def tearDown(self):
        super().tearDown()
        gc.collect()  # the suite's threads leave connections behind: the warnings about them belong here


class TestStreams(Clean, suite.AggregateRecorderTestCase):
    def create_recorder(self):
        return ours.StreamRecorder()


class TestLog(Clean, suite.ApplicationRecorderTestCase):
    EXPECT_CONTIGUOUS_NOTIFICATION_IDS = False

    def create_recorder(self):
        return ours.LogRecorder()

    def test_insert_subscribe(self):
        self.optional_test_insert_subscribe()


class TestTracking(Clean, suite.TrackingRecorderTestCase):
    def create_recorder(self):
        return ours.TrackingRecorder()


class TestProcess(Clean, suite.ProcessRecorderTestCase):
    def create_recorder(self):
        return ours.ProcessRecorder()


class TestNonInterleaving(Clean, suite.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self):
        return ours.LogRecorder()


class SpecialTracking(ours.TrackingRecorder):
    pass


class TestFactory(Clean, suite.InfrastructureFactoryTestCase):
    def setUp(self):
        self.env = Environment("TestCase", {"PERSISTENCE_MODULE": "eventstore.persistence"})
        super().setUp()

    def expected_factory_class(self):
        return ours.Factory

    def expected_aggregate_recorder_class(self):
        return ours.LogRecorder

    def expected_application_recorder_class(self):
        return ours.LogRecorder

    def expected_tracking_recorder_class(self):
        return ours.TrackingRecorder

    def tracking_recorder_subclass(self):
        return SpecialTracking

    def expected_process_recorder_class(self):
        return ours.ProcessRecorder


class TestExample(Clean, applications.ExampleApplicationTestCase):
    expected_factory_topic = "eventstore.persistence:Factory"

    def test_example_application(self):
        with mock.patch.dict(os.environ, PERSISTENCE_MODULE="eventstore.persistence"):
            super().test_example_application()
