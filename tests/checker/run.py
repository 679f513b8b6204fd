"""Calls a function on many jobs in processes of their own, each call within limits."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import threading
import time

try:
    import resource
except ImportError:  # Windows can limit neither memory nor the processor's time.
    resource = None

SECONDS = 10  # of the processor's time for a job, so that a busy machine stops no honest file
PATIENCE = 6 if resource else 1  # times as long by the clock
MEMORY = 500_000_000  # bytes of address space
SECONDS_IN_ALL = 600
TOO_LONG, TOO_LARGE, NO_TIME = "too long", "too large", "no time left"  # instead of an answer
TURN = threading.Lock()  # One thread at a time starts a process or waits for its end.


def limit(name, most):
    """Let the system limit this process, where it can: Windows cannot, macOS not everything."""
    if resource:
        kind = getattr(resource, name)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))


def serve(connection, function, seconds):
    """Answer jobs; a process of its own does this."""
    limit("RLIMIT_AS", MEMORY)
    limit("RLIMIT_CORE", 0)  # Leave no copy of it on disk when it is stopped.
    connection.send(None)  # Ready: the time that a start takes is no job's.
    while True:
        job = connection.recv()
        limit("RLIMIT_CPU", int(time.process_time() + seconds + 1))
        try:
            answer = function(*job)
        except MemoryError:
            answer = TOO_LARGE
        connection.send(answer)


class Worker:
    """A process that answers one job at a time."""

    def __init__(self, function):
        context = multiprocessing.get_context("spawn")  # the same on every system
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, function, SECONDS), daemon=True)
        with TURN:
            self.process.start()
        theirs.close()
        try:
            self.connection.recv()
        except EOFError:
            raise RuntimeError("A process that checks submissions could not start.") from None

    def answer(self, job, end):
        """Return the answer to a job, or the limit at which the process was stopped."""
        patience = min(SECONDS * PATIENCE, end - time.monotonic())
        try:
            self.connection.send(job)
            if self.connection.poll(patience):
                return self.connection.recv()
        except (EOFError, OSError):  # The system has stopped it.
            self.stop()
            used_up = resource and self.process.exitcode == -signal.SIGXCPU
            return TOO_LONG if used_up else TOO_LARGE
        self.stop()
        return TOO_LONG if time.monotonic() < end else NO_TIME

    def stop(self):
        """End it, whatever it does."""
        with TURN:
            self.process.kill()
            self.process.join()


def answers(function, jobs):
    """Yield (job, answer) for each job in a deque, to which more may be added meanwhile, when done.

    The function has to be importable. Where it takes too much, the answer is TOO_LONG, TOO_LARGE or
    NO_TIME.
    """
    end, workers, own = time.monotonic() + SECONDS_IN_ALL, [], threading.local()

    def answer(job):
        """Let this thread's worker answer, or a new one if the last was stopped."""
        if time.monotonic() >= end:
            return job, NO_TIME
        if not hasattr(own, "worker") or own.worker.process.exitcode is not None:
            own.worker = Worker(function)
            workers.append(own.worker)
        return job, own.worker.answer(job, end)

    threads = concurrent.futures.ThreadPoolExecutor(min(os.cpu_count() or 1, 8))
    running = set()
    try:
        while jobs or running:
            running |= {threads.submit(answer, jobs.popleft()) for _ in range(len(jobs))}
            done, running = concurrent.futures.wait(running, return_when="FIRST_COMPLETED")
            yield from (future.result() for future in done)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.stop()
