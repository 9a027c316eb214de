/* SPDX-License-Identifier: Apache-2.0 */
/* probe_server: one question per connection. */
#include "base/log.h"
#include "check/probe_server.h"
#include "io/channel.h"
#include "io/probe_client.h"
#include "io/worker_pool.h"

#include "base/poison.h"

#define QUESTION_BYTES_MAX 65536u
#define ARENA_BYTES_MAX (16u << 20)
#define TALK_MS 5000 /* to send a question, or to take an answer */

static bool stop_now(void *ctx)
{
	const int *stop_fd = ctx;

	return worker_pool_stopping(*stop_fd);
}

/* A client that breaks off is its own affair. */
static void serve(void *worker, int fd)
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
		probe_run(worker, a, question, &answer);
		now = clock_mono(clock_system());
		if (sbuf_ok(&answer))
			st = channel_write(fd, sbuf_str(&answer),
				(struct mono){ now.ms + TALK_MS }, &e);
	}
	if (st != ST_OK && st != ST_NOTFOUND)
		LOG(LOG_DEBUG, "probe.client", KV_Z("reason", e.text));
	arena_free(&a);
}

enum status probe_server_run(const struct probe_options *o, int listen_fd,
	int stop_fd, struct err *e)
{
	struct worker_pool pool = { listen_fd, stop_fd, serve };
	struct probe_options own = *o;
	void *workers[PROBE_THREADS] = {};
	struct probe *probes[PROBE_THREADS] = {};
	enum status st = ST_OK;

	own.stop = stop_now;
	own.stop_ctx = &stop_fd;
	for (size_t i = 0; i < PROBE_THREADS && st == ST_OK; i++) {
		st = probe_open(&own, &probes[i], e);
		workers[i] = probes[i];
	}
	if (st == ST_OK)
		st = worker_pool_run(&pool, workers, PROBE_THREADS, e);
	for (size_t i = 0; i < PROBE_THREADS; i++)
		probe_close(&probes[i]);
	return st;
}
