/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_pool: a fixed set of threads that accept from one listening socket
 * and serve one connection at a time each, blocking. For back roles.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/status.h"

#define WORKER_POOL_MAX 32

struct worker_pool {
	int listen_fd; /* non-blocking; borrowed */
	int stop_fd;   /* readable: end; borrowed */
	/* fd is closed afterwards. worker is the thread's own. */
	void (*serve)(void *worker, int fd);
};

/*
 * One thread per worker; returns when all have ended. ST_TEMP: not even all
 * threads could be started.
 */
enum status worker_pool_run(const struct worker_pool *p, void *const *workers,
	size_t n, struct err *e);

/* Is stop_fd readable? */
bool worker_pool_stopping(int stop_fd);
