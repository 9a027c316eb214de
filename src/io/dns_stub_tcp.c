/* SPDX-License-Identifier: Apache-2.0 */
/* dns_stub_tcp: RFC 1035 section 4.2.2, RFC 7766. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bug.h"
#include "base/mem.h"
#include "io/dns_stub_tcp.h"
#include "io/fd.h"

#include "base/poison.h"

#define LENGTH_BYTES 2

struct dns_stub_tcp {
	struct loop *loop;
	struct loop_io io;
	int fd;
	unsigned char out[LENGTH_BYTES + DNS_STUB_QUERY_MAX];
	size_t out_n, out_at;
	unsigned char length[LENGTH_BYTES];
	unsigned char *in; /* NULL until the length is known */
	size_t in_n, in_at;
	dns_stub_tcp_fn *done;
	void *ctx;
};

static void destroy(void *ctx)
{
	struct dns_stub_tcp *t = ctx;

	mem_free(t->in);
	mem_free(t);
}

void dns_stub_tcp_cancel(struct dns_stub_tcp **t)
{
	if (*t == NULL)
		return;
	loop_io_stop(&(*t)->io);
	fd_close(&(*t)->fd);
	loop_defer((*t)->loop, destroy, *t);
	*t = NULL;
}

static void finish(struct dns_stub_tcp *t, enum status st)
{
	struct str msg = { (const char *)t->in, st == ST_OK ? t->in_n : 0 };
	dns_stub_tcp_fn *done = t->done;
	void *ctx = t->ctx;

	dns_stub_tcp_cancel(&t);
	done(ctx, st, msg);
}

/* What a send or recv gave: 1 go on, 0 wait, -1 the connection is dead. */
static int moved(ssize_t rc, size_t *at)
{
	if (rc > 0) {
		*at += (size_t)rc;
		return 1;
	}
	return rc < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static void write_some(struct dns_stub_tcp *t)
{
	if (moved(send(t->fd, t->out + t->out_at, t->out_n - t->out_at,
			  MSG_NOSIGNAL),
		    &t->out_at) < 0)
		finish(t, ST_TEMP);
	else if (t->out_at == t->out_n)
		loop_io_change(&t->io, LOOP_READ);
}

/* true when the whole message is there. */
static bool read_some(struct dns_stub_tcp *t, int *rc)
{
	if (t->in_at < LENGTH_BYTES) {
		*rc = moved(recv(t->fd, t->length + t->in_at,
				    LENGTH_BYTES - t->in_at, 0),
			&t->in_at);
		if (t->in_at == LENGTH_BYTES) {
			t->in_n = (size_t)t->length[0] << 8 | t->length[1];
			t->in = mem_must(t->in_n + 1);
		}
		return false;
	}
	*rc = moved(recv(t->fd, t->in + t->in_at - LENGTH_BYTES,
			    t->in_n - (t->in_at - LENGTH_BYTES), 0),
		&t->in_at);
	return t->in_at - LENGTH_BYTES == t->in_n;
}

static void on_ready(void *ctx, unsigned ready)
{
	struct dns_stub_tcp *t = ctx;
	bool whole = false;
	int rc = 1;

	if ((ready & LOOP_WRITE) != 0) {
		write_some(t);
		return;
	}
	while (rc > 0 && !whole)
		whole = read_some(t, &rc);
	if (whole)
		finish(t, ST_OK);
	else if (rc < 0)
		finish(t, ST_TEMP);
}

struct dns_stub_tcp *dns_stub_tcp_start(struct loop *l, const struct addr *to,
	struct str query, dns_stub_tcp_fn *done, void *ctx)
{
	struct dns_stub_tcp *t;
	int fd = socket(to->ss.ss_family,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	BUG(query.n > DNS_STUB_QUERY_MAX);
	if (fd < 0 ||
		(connect(fd, (const struct sockaddr *)&to->ss, to->len) < 0 &&
			errno != EINPROGRESS)) {
		fd_close(&fd);
		return NULL;
	}
	t = mem_must(sizeof(*t));
	t->loop = l;
	t->fd = fd;
	t->done = done;
	t->ctx = ctx;
	t->out[0] = (unsigned char)(query.n >> 8);
	t->out[1] = (unsigned char)query.n;
	memcpy(t->out + LENGTH_BYTES, query.p, query.n);
	t->out_n = LENGTH_BYTES + query.n;
	loop_io_start(&t->io, l, fd, LOOP_WRITE, on_ready, t);
	return t;
}
