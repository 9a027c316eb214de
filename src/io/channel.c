/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel: netstrings over a socket, with poll for the deadline. What is there
 * is taken before anything waits, and as much as possible in one call: the
 * content of a report costs less than a few calls of the system.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/sbuf.h"
#include "io/channel.h"
#include "io/fd.h"
#include "proto/netstring.h"

#include "base/poison.h"

enum status channel_connect(const char *path, int *fd, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	int s, why;

	if (n >= sizeof(sun.sun_path))
		return err_set(e, ST_PERM, "%s: path too long", path);
	memcpy(sun.sun_path, path, n);
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return err_sys(e, ST_TEMP, errno, "socket");
	if (connect(s, (const struct sockaddr *)&sun, sizeof(sun)) == 0) {
		*fd = s;
		return ST_OK;
	}
	why = errno;
	fd_close(&s);
	return err_sys(e,
		why == ENOENT || why == ECONNREFUSED ? ST_NOTFOUND
		: why == EACCES			     ? ST_PERM
						     : ST_TEMP,
		why, "%s", path);
}

int channel_left_ms(struct mono deadline)
{
	int64_t left = deadline.ms - clock_mono(clock_system()).ms;

	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

static enum status wait_for(
	int fd, short events, struct mono deadline, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = events };
	int rc;

	do
		rc = poll(&p, 1, channel_left_ms(deadline));
	while (rc < 0 && errno == EINTR);
	if (rc == 0)
		return err_set(e, ST_TEMP, "no answer in time");
	if (rc < 0)
		return err_sys(e, ST_TEMP, errno, "poll");
	return ST_OK;
}

/* Of a message: length and colon, content, comma. */
#define PIECES 3u

struct pieces {
	struct iovec v[CHANNEL_MESSAGES_MAX * PIECES];
	size_t at, n;
};

static void add_piece(struct pieces *p, struct str s)
{
	p->v[p->n++] = (struct iovec){ (void *)(uintptr_t)s.p, s.n };
}

/* n bytes are through; false: all of them. */
static bool move_on(struct pieces *p, size_t n)
{
	for (; p->at < p->n; p->at++) {
		struct iovec *v = &p->v[p->at];
		size_t part = n < v->iov_len ? n : v->iov_len;

		v->iov_base = (char *)v->iov_base + part;
		v->iov_len -= part;
		n -= part;
		if (v->iov_len > 0)
			return true;
	}
	return false;
}

static enum status write_pieces(
	int fd, struct pieces *p, struct mono deadline, struct err *e)
{
	enum status st = ST_OK;
	bool more = true;
	ssize_t n;

	while (st == ST_OK && more) {
		struct msghdr m = { .msg_iov = p->v + p->at,
			.msg_iovlen = p->n - p->at };

		n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			more = move_on(p, (size_t)n);
		else if (errno == EAGAIN)
			st = wait_for(fd, POLLOUT, deadline, e);
		else if (errno != EINTR)
			st = err_sys(e, ST_TEMP, errno, "write");
	}
	return st;
}

enum status channel_write_all(int fd, const struct str *messages, size_t n,
	struct mono deadline, struct err *e)
{
	char heads[CHANNEL_MESSAGES_MAX][NETSTRING_DIGITS_MAX + 2];
	struct pieces p = {};

	BUG(n > CHANNEL_MESSAGES_MAX);
	for (size_t i = 0; i < n; i++) {
		struct sbuf b = sbuf_fixed(heads[i], sizeof(heads[i]));

		sbuf_fmt(&b, "%zu:", messages[i].n);
		if (!sbuf_ok(&b))
			return err_set(e, ST_LIMIT, "message too large");
		add_piece(&p, sbuf_str(&b));
		add_piece(&p, messages[i]);
		add_piece(&p, STR(","));
	}
	return write_pieces(fd, &p, deadline, e);
}

enum status channel_write(
	int fd, struct str message, struct mono deadline, struct err *e)
{
	return channel_write_all(fd, &message, 1, deadline, e);
}

/* Some bytes, at least one; ST_NOTFOUND: there will be none. */
static enum status read_some(int fd, struct msghdr *m, int flags,
	struct mono deadline, size_t *got, struct err *e)
{
	enum status st = ST_OK;
	ssize_t n;

	while (st == ST_OK) {
		n = recvmsg(fd, m, flags | MSG_DONTWAIT);
		if (n > 0) {
			*got = (size_t)n;
			return ST_OK;
		}
		if (n == 0)
			st = err_set(e, ST_NOTFOUND,
				"the other side closed the connection");
		else if (errno == EAGAIN)
			st = wait_for(fd, POLLIN, deadline, e);
		else if (errno != EINTR)
			st = err_sys(e, ST_TEMP, errno, "read");
	}
	return st;
}

/* Exactly what the pieces have room for. */
static enum status read_pieces(
	int fd, struct pieces *p, struct mono deadline, struct err *e)
{
	enum status st = ST_OK;
	bool more = true;
	size_t n;

	while (st == ST_OK && more) {
		struct msghdr m = { .msg_iov = p->v + p->at,
			.msg_iovlen = p->n - p->at };

		st = read_some(fd, &m, 0, deadline, &n, e);
		if (st == ST_OK)
			more = move_on(p, n);
	}
	return st == ST_NOTFOUND ? ST_TEMP : st;
}

/* The digits and the colon, one by one: rarely, as they come together. */
static enum status take_head(int fd, char *head, struct mono deadline,
	size_t max, size_t *out, size_t *used, struct err *e)
{
	enum status st = ST_AGAIN;

	for (size_t i = 0; st == ST_AGAIN; i++) {
		struct pieces p = {};

		BUG(i == NETSTRING_DIGITS_MAX + 1);
		add_piece(&p, (struct str){ &head[i], 1 });
		st = read_pieces(fd, &p, deadline, e);
		if (st == ST_OK)
			st = netstring_head(
				(struct str){ head, i + 1 }, max, out, used);
	}
	*used = 0;
	return st;
}

/* Length of the next message; *used bytes of it are still to be read. */
static enum status read_head(int fd, char *head, struct mono deadline,
	size_t max, size_t *out, size_t *used, struct err *e)
{
	struct iovec v = { head, NETSTRING_DIGITS_MAX + 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	enum status st;
	size_t n;

	st = read_some(fd, &m, MSG_PEEK, deadline, &n, e);
	if (st != ST_OK)
		return st;
	st = netstring_head((struct str){ head, n }, max, out, used);
	if (st == ST_AGAIN)
		st = take_head(fd, head, deadline, max, out, used, e);
	if (st == ST_INVALID || st == ST_LIMIT)
		return err_set(e, st, "a bad length of a message");
	return st;
}

enum status channel_read(int fd, struct arena *a, size_t max,
	struct mono deadline, struct str *out, struct err *e)
{
	char head[NETSTRING_DIGITS_MAX + 1];
	struct pieces p = {};
	size_t n = 0, used = 0;
	enum status st;
	char *text;

	st = read_head(fd, head, deadline, max, &n, &used, e);
	if (st != ST_OK)
		return st;
	text = arena_alloc(a, n + 1);
	if (text == NULL)
		return err_set(e, ST_LIMIT, "message too large");
	add_piece(&p, (struct str){ head, used });
	add_piece(&p, (struct str){ text, n + 1 });
	st = read_pieces(fd, &p, deadline, e);
	if (st != ST_OK)
		return st;
	if (text[n] != ',')
		return err_set(e, ST_INVALID, "not a netstring");
	text[n] = '\0';
	*out = (struct str){ text, n };
	return ST_OK;
}
