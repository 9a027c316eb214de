/* SPDX-License-Identifier: Apache-2.0 */
/* listener: accept4 with back-off, and the gate that counts. */
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

#include "io/listener.h"

#include "base/bug.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "io/fd.h"

#include "base/poison.h"

struct gate {
	unsigned max, max_per_addr, n;
	struct map *per_addr; /* address -> count, as a pointer */
};

struct listener {
	struct loop *loop;
	struct loop_io io;
	struct loop_timer again;
	struct gate *gate;
	int fd;
	listener_fn *fn;
	void *ctx;
	bool starved; /* the back-off was logged */
};

/* ---- gate ---- */

struct gate *gate_new(unsigned max, unsigned max_per_addr)
{
	struct gate *g = mem_must(sizeof(*g));

	g->max = max;
	g->max_per_addr = max_per_addr;
	g->per_addr = map_new();
	return g;
}

void gate_free(struct gate **g)
{
	if (*g == NULL)
		return;
	map_free(&(*g)->per_addr);
	mem_free(*g);
	*g = NULL;
}

unsigned gate_count(const struct gate *g)
{
	return g->n;
}

bool gate_is_near(const struct gate *g)
{
	return g->n + g->max / 16 >= g->max;
}

static bool gate_enter(struct gate *g, const struct addr *peer)
{
	struct str key = addr_client(peer);
	uintptr_t n = (uintptr_t)map_get(g->per_addr, key);

	if (n >= g->max_per_addr)
		return false;
	(void)map_put(g->per_addr, key, (void *)(n + 1));
	g->n++;
	return true;
}

void gate_leave(struct gate *g, const struct addr *peer)
{
	struct str key = addr_client(peer);
	uintptr_t n = (uintptr_t)map_get(g->per_addr, key);

	BUG(n == 0 || g->n == 0);
	g->n--;
	if (n == 1)
		(void)map_take(g->per_addr, key);
	else
		(void)map_put(g->per_addr, key, (void *)(n - 1));
}

/* ---- listener ---- */

static void on_readable(void *ctx, unsigned ready);

static void resume(void *ctx)
{
	struct listener *l = ctx;

	loop_io_start(&l->io, l->loop, l->fd, LOOP_READ, on_readable, l);
}

static void back_off(struct listener *l, const char *why)
{
	if (!l->starved)
		LOG(LOG_WARN, "listener.waits", KV_Z("why", why),
			KV_INT("connections", l->gate->n));
	l->starved = true;
	loop_io_stop(&l->io);
	loop_timer_start(&l->again, l->loop, LISTENER_BACKOFF_MS, resume, l);
}

/* false: nothing more to take in this turn */
static bool take_one(struct listener *l)
{
	struct addr peer = { .len = sizeof(peer.ss) };
	int fd;

	if (l->gate->n >= l->gate->max) {
		back_off(l, "full");
		return false;
	}
	fd = accept4(l->fd, (struct sockaddr *)&peer.ss, &peer.len,
		SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			errno == ENOMEM)
			back_off(l, "descriptors");
		return errno == ECONNABORTED || errno == EINTR;
	}
	l->starved = false;
	if (!gate_enter(l->gate, &peer)) {
		LOG(LOG_DEBUG, "listener.refused");
		fd_close(&fd);
		return true;
	}
	l->fn(l->ctx, fd, &peer);
	return l->io.loop != NULL; /* fn may have freed us */
}

static void on_readable(void *ctx, unsigned ready)
{
	struct listener *l = ctx;

	(void)ready;
	for (int i = 0; i < LISTENER_BATCH; i++)
		if (!take_one(l))
			break;
}

struct listener *listener_new(
	struct loop *loop, int fd, struct gate *g, listener_fn *fn, void *ctx)
{
	struct listener *l = mem_must(sizeof(*l));

	l->loop = loop;
	l->gate = g;
	l->fd = fd;
	l->fn = fn;
	l->ctx = ctx;
	resume(l);
	return l;
}

void listener_free(struct listener **lp)
{
	struct listener *l = *lp;

	if (l == NULL)
		return;
	loop_io_stop(&l->io);
	loop_timer_stop(&l->again);
	fd_close(&l->fd);
	loop_defer(l->loop, mem_free, l);
	*lp = NULL;
}
