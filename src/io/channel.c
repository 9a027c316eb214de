/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel: netstrings over a socket, with poll for the deadline. What is there
 * is taken before anything waits, and as much as possible in one call.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bug.h"
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
#define AT_ONCE 64u /* messages */

struct pieces {
	struct iovec v[AT_ONCE * PIECES];
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

static enum status write_some(int fd, const struct str *messages, size_t n,
	struct mono deadline, struct err *e)
{
	char heads[AT_ONCE][NETSTRING_DIGITS_MAX + 2];
	struct pieces p;

	p.at = p.n = 0;
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

enum status channel_write_all(int fd, const struct str *messages, size_t n,
	struct mono deadline, struct err *e)
{
	enum status st = ST_OK;

	for (size_t part; st == ST_OK && n > 0; messages += part, n -= part) {
		part = n < AT_ONCE ? n : AT_ONCE;
		st = write_some(fd, messages, part, deadline, e);
	}
	return st;
}

enum status channel_write(
	int fd, struct str message, struct mono deadline, struct err *e)
{
	return channel_write_all(fd, &message, 1, deadline, e);
}

struct channel_writer channel_writer_of(int fd, char *p, size_t cap)
{
	return (struct channel_writer){ fd, sbuf_fixed(p, cap) };
}

enum status channel_flush(
	struct channel_writer *w, struct mono deadline, struct err *e)
{
	struct pieces p;

	p.at = p.n = 0;
	add_piece(&p, sbuf_str(&w->kept));
	w->kept.n = 0;
	return p.v[0].iov_len > 0 ? write_pieces(w->fd, &p, deadline, e)
				  : ST_OK;
}

enum status channel_put(struct channel_writer *w, const struct str *messages,
	size_t n, struct mono deadline, struct err *e)
{
	size_t room = w->kept.cap - w->kept.n, need = 0;
	enum status st;

	for (size_t i = 0; i < n; i++)
		need += messages[i].n + NETSTRING_EXTRA_MAX;
	if (need <= room) {
		for (size_t i = 0; i < n; i++)
			netstring_write(&w->kept, messages[i]);
		return ST_OK;
	}
	st = channel_flush(w, deadline, e);
	if (st != ST_OK)
		return st;
	return need <= w->kept.cap
		       ? channel_put(w, messages, n, deadline, e)
		       : channel_write_all(w->fd, messages, n, deadline, e);
}

/*
 * Some bytes, at least one, to where they are wanted and what is more ahead,
 * where nothing is left; ST_NOTFOUND: there will be none.
 */
static enum status read_some(struct channel_reader *r, struct iovec *wanted,
	struct mono deadline, struct err *e)
{
	struct iovec v[] = { *wanted, { r->ahead + r->n, r->cap - r->n } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
	enum status st = ST_OK;
	ssize_t n = -1;

	while (st == ST_OK && n < 0) {
		n = recvmsg(r->fd, &m, MSG_DONTWAIT);
		if (n == 0)
			st = err_set(e, ST_NOTFOUND,
				"the other side closed the connection");
		else if (n < 0 && errno == EAGAIN)
			st = wait_for(r->fd, POLLIN, deadline, e);
		else if (n < 0 && errno != EINTR)
			st = err_sys(e, ST_TEMP, errno, "read");
	}
	if (st != ST_OK)
		return st;
	if ((size_t)n > wanted->iov_len) {
		r->n += (size_t)n - wanted->iov_len;
		n = (ssize_t)wanted->iov_len;
	}
	wanted->iov_base = (char *)wanted->iov_base + n;
	wanted->iov_len -= (size_t)n;
	return ST_OK;
}

static struct str ahead_of(const struct channel_reader *r)
{
	return (struct str){ r->ahead + r->at, r->n - r->at };
}

/* Takes the length of the next message. */
static enum status take_head(struct channel_reader *r, struct mono deadline,
	size_t max, size_t *out, struct err *e)
{
	enum status st, read = ST_OK;
	size_t used = 0;

	while ((st = netstring_head(ahead_of(r), max, out, &used)) ==
			ST_AGAIN &&
		read == ST_OK) {
		struct iovec none = {};
		bool begun = r->at < r->n;

		memmove(r->ahead, r->ahead + r->at, r->n - r->at);
		r->n -= r->at;
		r->at = 0;
		BUG(r->n == r->cap);
		read = read_some(r, &none, deadline, e);
		if (read == ST_NOTFOUND && begun)
			read = ST_TEMP;
	}
	r->at += used;
	if (read != ST_OK)
		return read;
	if (st != ST_OK)
		return err_set(e, st, "a bad length of a message");
	return ST_OK;
}

/* Exactly what is wanted: first of what is there. */
static enum status take_bytes(struct channel_reader *r, struct iovec wanted,
	struct mono deadline, struct err *e)
{
	struct str there = str_upto(ahead_of(r), wanted.iov_len);
	enum status st = ST_OK;

	memcpy(wanted.iov_base, there.p, there.n);
	wanted.iov_base = (char *)wanted.iov_base + there.n;
	wanted.iov_len -= there.n;
	r->at += there.n;
	if (wanted.iov_len > 0)
		r->at = r->n = 0;
	while (st == ST_OK && wanted.iov_len > 0)
		st = read_some(r, &wanted, deadline, e);
	return st == ST_NOTFOUND ? ST_TEMP : st;
}

struct channel_reader channel_reader_of(int fd, char *ahead, size_t cap)
{
	BUG(cap < CHANNEL_AHEAD_MIN);
	return (struct channel_reader){ .fd = fd, .ahead = ahead, .cap = cap };
}

enum status channel_next(struct channel_reader *r, struct arena *a, size_t max,
	struct mono deadline, struct str *out, struct err *e)
{
	size_t n = 0;
	enum status st = take_head(r, deadline, max, &n, e);
	char *text;

	if (st != ST_OK)
		return st;
	text = arena_alloc(a, n + 1);
	if (text == NULL)
		return err_set(e, ST_LIMIT, "message too large");
	st = take_bytes(r, (struct iovec){ text, n + 1 }, deadline, e);
	if (st != ST_OK)
		return st;
	if (text[n] != ',')
		return err_set(e, ST_INVALID, "not a netstring");
	text[n] = '\0';
	*out = (struct str){ text, n };
	return ST_OK;
}

enum status channel_read(int fd, struct arena *a, size_t max,
	struct mono deadline, struct str *out, struct err *e)
{
	char ahead[4096];
	struct channel_reader r = channel_reader_of(fd, ahead, sizeof(ahead));

	return channel_next(&r, a, max, deadline, out, e);
}
