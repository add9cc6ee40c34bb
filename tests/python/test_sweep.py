"""Sweeps on executors: their rows are those of a sweep in one process."""

import concurrent.futures
import multiprocessing
import os
import pickle
import signal
import unittest
import warnings

import zoometer
from zoometer import _sweep

try:
    import distributed
except ImportError:
    distributed = None
try:
    from ray.util import multiprocessing as ray_pools
except ImportError:
    ray_pools = None

MODELS = ["resnet*", "vgg11", "vit_b_16", "raft_small"]
SIZES = {"batches": [1, 3], "resolutions": [64, (96, 160)], "dtypes": ["float32", "int8"]}


class Killer:
    """An executor of one process that kills a worker while it works."""

    def __init__(self, pool):
        self.pool = pool
        self.count = 0

    def submit(self, function, *arguments):
        self.count += 1
        return self.pool.submit(kill_this_process) if self.count == 3 else \
            self.pool.submit(function, *arguments)


def kill_this_process():
    os.kill(os.getpid(), signal.SIGKILL)


class TaskError(Exception):
    """As Ray's pool wraps what a task raised."""

    def __init__(self, underlying):
        super().__init__()
        self.underlying = underlying


class RaysPool:
    """A pool that gives errors as results, as Ray's does; the worker of every third chunk is lost."""

    def __init__(self):
        self._actor_pool = [None] * 3
        self.count = 0

    def imap(self, function, chunks):
        for index, chunk in enumerate(chunks):
            self.count += 1
            try:
                yield RuntimeError("the actor died") if index % 3 == 1 else function(chunk)
            except zoometer.Error as error:
                yield TaskError(error)


class Executors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.whole = zoometer.sweep(MODELS, **SIZES)

    def assert_whole(self, rows):
        self.assertEqual(rows.to_dicts(), self.whole.to_dicts())
        self.assertEqual([row.totals.peak_bytes for row in rows if not row.reason],
                         [row.totals.peak_bytes for row in self.whole if not row.reason])

    def test_rows_pickle(self):
        again = pickle.loads(pickle.dumps(self.whole))
        self.assertIs(type(again), zoometer.Sweep)
        self.assert_whole(again)
        self.assert_whole(pickle.loads(pickle.dumps(again)))
        with self.assertRaisesRegex(TypeError, "to_dict"):
            pickle.dumps(zoometer.profile("vgg11"))

    def test_threads(self):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            self.assert_whole(zoometer.sweep(MODELS, **SIZES, executor=pool))
            for chunks in (1, 2, 1000):
                self.assert_whole(zoometer.sweep(MODELS, **SIZES, executor=pool, chunks=chunks))

    def test_processes(self):
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(2, context) as pool:
            self.assert_whole(zoometer.sweep(MODELS, **SIZES, executor=pool))
            taken = []
            self.assertEqual(zoometer.sweep(MODELS, **SIZES, executor=pool, take=taken.append), [])
            self.assertEqual([row.model for row in taken], [row.model for row in self.whole])

    def test_a_pool(self):
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            self.assert_whole(zoometer.sweep(MODELS, **SIZES, executor=pool))

    def test_a_killed_worker_loses_nothing(self):
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(1, context) as pool, warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            self.assert_whole(zoometer.sweep(MODELS, **SIZES, executor=Killer(pool), chunks=8))

    def test_a_pool_that_gives_errors_as_results(self):
        pool = RaysPool()
        with self.assertWarnsRegex(RuntimeWarning, "a worker was lost"):
            self.assert_whole(zoometer.sweep(MODELS, **SIZES, executor=pool))
        self.assertEqual(pool.count, len(_sweep.chunks_of(_sweep.named_models(MODELS), 8 * 3)))
        with self.assertRaises(zoometer.Error):
            zoometer.sweep(["/nothing.onnx"], executor=RaysPool())

    @unittest.skipIf(ray_pools is None, "the package ray is not installed")
    def test_rays_pool(self):
        with ray_pools.Pool(2, ray_remote_args={"num_cpus": 0}) as pool:
            self.assert_whole(zoometer.sweep(MODELS, **SIZES, executor=pool))
            with self.assertRaises(zoometer.Error):
                zoometer.sweep(["resnet18", "/nothing.onnx"], executor=pool)
            killed = pool.apply(os.getpid)
            rows = []

            def take(row):
                if not rows:
                    os.kill(killed, signal.SIGKILL)
                rows.append(row)

            with self.assertWarns(RuntimeWarning):
                zoometer.sweep(MODELS, **SIZES, executor=pool, chunks=10, take=take)
            self.assert_whole(zoometer.Sweep(rows))

    def test_every_model(self):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            self.assertEqual(zoometer.sweep(executor=pool).to_dicts(), zoometer.sweep().to_dicts())

    def test_errors(self):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            with self.assertRaises(zoometer.UnknownNameError):
                zoometer.sweep(["resnet18", "nothing*"], executor=pool)
            with self.assertRaises(zoometer.UsageError):
                zoometer.sweep(["resnet18"], executor=pool, part=1, parts=2)
        with self.assertRaisesRegex(TypeError, "int is no executor"):
            zoometer.sweep(["resnet18"], executor=7)

    def test_the_order_is_that_of_names(self):
        names = [model.name for model in zoometer.list_models() if model.source == "builtin"]
        self.assertEqual(sum(_sweep.chunks_of(names, 7), []), [row.model for row in zoometer.sweep()])

    @unittest.skipIf(distributed is None, "the package distributed is not installed")
    def test_a_dask_cluster(self):
        with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None,
                                      worker_dashboard_address=None) as cluster, \
                distributed.Client(cluster) as client:
            self.assert_whole(zoometer.sweep(MODELS, **SIZES, executor=client))
            # A worker that dies while it computes: Dask sends its chunks to another one.
            killed = next(iter(cluster.workers.values())).pid
            rows = []

            def take(row):
                if not rows:
                    os.kill(killed, signal.SIGKILL)
                rows.append(row)

            zoometer.sweep(MODELS, **SIZES, executor=client, chunks=10, take=take)
            self.assert_whole(zoometer.Sweep(rows))


if __name__ == "__main__":
    unittest.main()
