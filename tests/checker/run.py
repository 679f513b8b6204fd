"""Calls a function on many jobs in processes of their own, each call within a limit of time and memory."""

import multiprocessing
import multiprocessing.connection
import os
import time

SECONDS = 10  # for a job
MEMORY = 500_000_000  # bytes of address space, where the system can limit it
SECONDS_IN_ALL = 600
TOO_LONG, TOO_LARGE, NO_TIME = "too long", "too large", "no time left"  # instead of an answer


def limit_memory():
    """Let this process have no more than MEMORY; Windows cannot, and relies on the limits of each file's size."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):
        pass


def serve(connection, function):
    """Answer jobs until there are no more; a process of its own does this."""
    limit_memory()
    connection.send(None)  # Ready: the time that a start takes is no job's.
    while (job := connection.recv()) is not None:
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
        self.process = context.Process(target=serve, args=(theirs, function), daemon=True)
        self.process.start()
        theirs.close()
        self.job, self.deadline = None, float("inf")
        self.is_ready = False

    def give(self, job):
        """Let it work on a job."""
        self.job, self.deadline = job, time.monotonic() + SECONDS
        self.connection.send(job)

    def answer(self):
        """Return what it has sent, and let it be without a job; raise EOFError if it has died."""
        self.job, self.deadline, self.is_ready = None, float("inf"), True
        return self.connection.recv()

    def stop(self):
        """End it, whatever it does."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def answers(function, jobs):
    """Yield (job, answer) for each job in a deque, to which more may be added meanwhile, as they are done.

    The function has to be importable. Where it takes too much, the answer is TOO_LONG, TOO_LARGE or NO_TIME.
    """
    end, workers, most = time.monotonic() + SECONDS_IN_ALL, [], min(os.cpu_count() or 1, 8)
    try:
        while jobs or any(worker.job for worker in workers):
            if time.monotonic() > end:
                waiting = [worker.job for worker in workers if worker.job] + list(jobs)
                jobs.clear()
                yield from ((job, NO_TIME) for job in waiting)
                return
            idle = [worker for worker in workers if worker.is_ready and not worker.job]
            for worker in idle[: len(jobs)]:
                worker.give(jobs.popleft())
            while len(workers) < min(most, len(jobs) + sum(bool(worker.job) for worker in workers)):
                workers.append(Worker(function))
            yield from finished(workers)
    finally:
        for worker in workers:
            worker.stop()


def finished(workers):
    """Wait for a worker; yield (job, answer) for those that are done or are stopped because of their limits."""
    now = time.monotonic()
    patience = max(0, min([1, *(worker.deadline - now for worker in workers)]))
    ready = multiprocessing.connection.wait([worker.connection for worker in workers], patience)
    for worker in list(workers):
        job, was_ready = worker.job, worker.is_ready
        if worker.connection in ready:
            try:
                answer = worker.answer()
            except (EOFError, OSError):
                workers.remove(worker)
                worker.stop()
                if not was_ready:
                    raise RuntimeError(
                        "A process that checks submissions could not be started."
                    ) from None
                answer = TOO_LARGE  # The system ended it.
            if was_ready:
                yield job, answer
        elif time.monotonic() > worker.deadline:
            workers.remove(worker)
            worker.stop()
            yield job, TOO_LONG
