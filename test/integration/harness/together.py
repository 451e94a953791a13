"""Two things done at the same time."""
import threading


def both_at_once(first, second):
    """Runs two functions on threads that begin together; raises what either raised."""
    barrier = threading.Barrier(2)
    errors = []

    def run(work):
        barrier.wait()
        try:
            work()
        except Exception as error:  # handed to the test's thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
