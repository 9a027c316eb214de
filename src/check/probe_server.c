/* SPDX-License-Identifier: Apache-2.0 */
/* probe_server: a fixed set of threads that all accept from one socket. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/log.h"
#include "check/probe_server.h"
#include "io/channel.h"
#include "io/fd.h"
#include "io/probe_client.h"

#include "base/poison.h"

#define QUESTION_BYTES_MAX 65536u
#define ARENA_BYTES_MAX (16u << 20)
#define TALK_MS 5000 /* to send a question, or to take an answer */

struct worker {
	pthread_t thread;
	struct probe *probe;
	const struct probe_options *o;
	int listen_fd, stop_fd;
};

static bool stopping(int stop_fd)
{
	struct pollfd p = { .fd = stop_fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static bool stop_now(void *ctx)
{
	const struct worker *w = ctx;

	return stopping(w->stop_fd);
}

/* One question, one answer. A client that breaks off is its own affair. */
static void serve(struct worker *w, int fd)
{
	struct arena *a = arena_must(ARENA_BYTES_MAX);
	struct sbuf answer = sbuf_arena(a, PROBE_MESSAGE_BYTES_MAX);
	struct mono now = clock_mono(clock_system());
	struct err e = {};
	struct str question;
	enum status st;

	st = channel_read(fd, a, QUESTION_BYTES_MAX,
		(struct mono){ now.ms + TALK_MS }, &question, &e);
	if (st == ST_OK) {
		probe_run(w->probe, a, question, &answer);
		now = clock_mono(clock_system());
		if (sbuf_ok(&answer))
			st = channel_write(fd, sbuf_str(&answer),
				(struct mono){ now.ms + TALK_MS }, &e);
	}
	if (st != ST_OK && st != ST_NOTFOUND)
		LOG(LOG_DEBUG, "probe.client", KV_Z("reason", e.text));
	arena_free(&a);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct pollfd p[] = { { .fd = w->listen_fd, .events = POLLIN },
		{ .fd = w->stop_fd, .events = POLLIN } };
	int fd;

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents != 0)
			break;
		/* Another thread may have been quicker: then EAGAIN. */
		fd = accept4(w->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE))
			(void)poll(&p[1], 1, 100);
		if (fd < 0)
			continue;
		serve(w, fd);
		fd_close(&fd);
	}
	return NULL;
}

enum status probe_server_run(const struct probe_options *o, int listen_fd,
	int stop_fd, struct err *e)
{
	struct worker workers[PROBE_THREADS] = {};
	struct probe_options own[PROBE_THREADS];
	enum status st = ST_OK;
	size_t started = 0;

	for (; started < PROBE_THREADS && st == ST_OK; started++) {
		struct worker *w = &workers[started];

		own[started] = *o;
		own[started].stop = stop_now;
		own[started].stop_ctx = w;
		w->o = &own[started];
		w->listen_fd = listen_fd;
		w->stop_fd = stop_fd;
		st = probe_open(w->o, &w->probe, e);
		if (st != ST_OK)
			break;
		if (pthread_create(&w->thread, NULL, work, w) != 0) {
			st = err_set(e, ST_TEMP, "no thread to be had");
			probe_close(&w->probe);
			break;
		}
	}
	for (size_t i = 0; i < started; i++) {
		(void)pthread_join(workers[i].thread, NULL);
		probe_close(&workers[i].probe);
	}
	return st;
}
