/* SPDX-License-Identifier: Apache-2.0 */
/* inherit: LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"
#include "daemon/inherit.h"
#include "io/fd.h"

#include "base/poison.h"

static struct {
	char *names; /* of all, the separators made NUL; never freed */
	const char *name[INHERIT_MAX];
	int fd[INHERIT_MAX]; /* -1: taken */
	size_t n;
} got;

static enum status split_names(const char *names, uint32_t n, struct err *e)
{
	char *p;

	got.names = strdup(names);
	if (got.names == NULL)
		return err_set(e, ST_LIMIT, "out of memory");
	p = got.names;
	for (got.n = 0; got.n < n && p != NULL; got.n++) {
		got.name[got.n] = p;
		got.fd[got.n] = INHERIT_FIRST_FD + (int)got.n;
		p = strchr(p, ':');
		if (p != NULL)
			*p++ = '\0';
	}
	if (got.n != n || p != NULL)
		return err_set(e, ST_INVALID,
			"LISTEN_FDS and LISTEN_FDNAMES do not fit together");
	return ST_OK;
}

enum status inherit_init(struct err *e)
{
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	uint32_t n, want;
	enum status st = ST_OK;

	if (pid == NULL || fds == NULL || names == NULL ||
		num_u32(str_of(pid), 1, INT32_MAX, &want) != ST_OK ||
		want != (uint32_t)getpid())
		return ST_OK;
	if (num_u32(str_of(fds), 0, INHERIT_MAX, &n) != ST_OK)
		return err_set(e, ST_INVALID, "LISTEN_FDS=%s", fds);
	if (n > 0)
		st = split_names(names, n, e);
	for (size_t i = 0; st == ST_OK && i < got.n; i++) {
		st = fd_cloexec(got.fd[i], e);
		if (st == ST_OK)
			st = fd_nonblocking(got.fd[i], e);
	}
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return st;
}

int inherit_take(const char *name, size_t i)
{
	int fd;

	for (size_t at = 0; at < got.n; at++) {
		if (strcmp(got.name[at], name) != 0 || i-- > 0)
			continue;
		fd = got.fd[at];
		got.fd[at] = -1;
		return fd;
	}
	return -1;
}
