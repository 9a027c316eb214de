/* SPDX-License-Identifier: Apache-2.0 */
/* channel: netstrings over a descriptor, with poll for the deadline. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

static enum status write_all(
	int fd, struct str s, struct mono deadline, struct err *e)
{
	enum status st = ST_OK;
	ssize_t n;

	while (s.n > 0 && st == ST_OK) {
		st = wait_for(fd, POLLOUT, deadline, e);
		if (st != ST_OK)
			break;
		n = send(fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == ENOTSOCK)
			n = write(fd, s.p, s.n);
		if (n >= 0)
			s = str_from(s, (size_t)n);
		else if (errno != EINTR && errno != EAGAIN)
			st = err_sys(e, ST_TEMP, errno, "write");
	}
	return st;
}

enum status channel_write(
	int fd, struct str message, struct mono deadline, struct err *e)
{
	char head[32];
	struct sbuf b = sbuf_fixed(head, sizeof(head));
	enum status st;

	sbuf_fmt(&b, "%zu:", message.n);
	st = write_all(fd, sbuf_str(&b), deadline, e);
	if (st == ST_OK)
		st = write_all(fd, message, deadline, e);
	if (st == ST_OK)
		st = write_all(fd, STR(","), deadline, e);
	return st;
}

/* Exactly n bytes; ST_NOTFOUND if the peer closed before the first. */
static enum status read_exactly(
	int fd, char *p, size_t n, struct mono deadline, struct err *e)
{
	size_t got = 0;
	enum status st;
	ssize_t rc;

	while (got < n) {
		st = wait_for(fd, POLLIN, deadline, e);
		if (st != ST_OK)
			return st;
		rc = read(fd, p + got, n - got);
		if (rc < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (rc < 0)
			return err_sys(e, ST_TEMP, errno, "read");
		if (rc == 0)
			return err_set(e, got == 0 ? ST_NOTFOUND : ST_TEMP,
				"the other side closed the connection");
		got += (size_t)rc;
	}
	return ST_OK;
}

/* The digits up to the colon, byte by byte: they are few. */
static enum status read_length(
	int fd, struct mono deadline, size_t max, size_t *out, struct err *e)
{
	char head[NETSTRING_DIGITS_MAX + 1];
	enum status st;
	size_t used;

	for (size_t i = 0; i < sizeof(head); i++) {
		st = read_exactly(fd, &head[i], 1, deadline, e);
		if (st != ST_OK)
			return st == ST_NOTFOUND && i > 0 ? ST_TEMP : st;
		st = netstring_head(
			(struct str){ head, i + 1 }, max, out, &used);
		if (st == ST_INVALID || st == ST_LIMIT)
			return err_set(e, st, "a bad length of a message");
		if (st == ST_OK)
			return ST_OK;
	}
	return err_set(e, ST_INVALID, "not a netstring");
}

enum status channel_read(int fd, struct arena *a, size_t max,
	struct mono deadline, struct str *out, struct err *e)
{
	enum status st;
	size_t n = 0;
	char *p;

	st = read_length(fd, deadline, max, &n, e);
	if (st != ST_OK)
		return st;
	p = arena_alloc(a, n + 1);
	if (p == NULL)
		return err_set(e, ST_LIMIT, "message too large");
	st = read_exactly(fd, p, n + 1, deadline, e);
	if (st != ST_OK)
		return st == ST_NOTFOUND ? ST_TEMP : st;
	if (p[n] != ',')
		return err_set(e, ST_INVALID, "not a netstring");
	p[n] = '\0';
	*out = (struct str){ p, n };
	return ST_OK;
}
