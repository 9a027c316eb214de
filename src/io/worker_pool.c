/* SPDX-License-Identifier: Apache-2.0 */
/* worker_pool: poll, accept, serve. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/bug.h"
#include "io/fd.h"
#include "io/worker_pool.h"

#include "base/poison.h"

#define FULL_MS 100 /* pause when no descriptor is to be had */

struct worker {
	pthread_t thread;
	const struct worker_pool *pool;
	void *own;
};

bool worker_pool_stopping(int stop_fd)
{
	struct pollfd p = { .fd = stop_fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static void *work(void *arg)
{
	const struct worker *w = arg;
	struct pollfd p[] = { { .fd = w->pool->listen_fd, .events = POLLIN },
		{ .fd = w->pool->stop_fd, .events = POLLIN } };
	int fd;

	for (;;) {
		if (poll(p, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			break;
		}
		if (p[1].revents != 0)
			break;
		/* Another thread may have been quicker: then EAGAIN. */
		fd = accept4(w->pool->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE))
			(void)poll(&p[1], 1, FULL_MS);
		if (fd < 0)
			continue;
		w->pool->serve(w->own, fd);
		fd_close(&fd);
	}
	return NULL;
}

enum status worker_pool_run(const struct worker_pool *p, void *const *workers,
	size_t n, struct err *e)
{
	struct worker threads[WORKER_POOL_MAX];
	enum status st = ST_OK;
	size_t started = 0;

	BUG(n > WORKER_POOL_MAX);
	for (; started < n; started++) {
		struct worker *w = &threads[started];

		*w = (struct worker){ .pool = p, .own = workers[started] };
		if (pthread_create(&w->thread, NULL, work, w) != 0) {
			st = err_set(e, ST_TEMP, "no thread to be had");
			break;
		}
	}
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(threads[i].thread, NULL);
	return st;
}
