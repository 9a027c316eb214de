/* SPDX-License-Identifier: Apache-2.0 */
/* sockets: bind and listen, once per worker (SO_REUSEPORT). */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/settings.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/vec.h"
#include "daemon/sockets.h"
#include "io/addr.h"
#include "io/fd.h"

#include "base/poison.h"

#define BACKLOG 4096
#define UDP_BUFFER_BYTES (1 << 20)

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

/* errno tells what failed. */
static int bind_ip(const struct addr *a, bool datagram)
{
	int type = datagram ? SOCK_DGRAM : SOCK_STREAM;
	int fd = socket(
		a->ss.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0 ||
		set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0 ||
		(a->ss.ss_family == AF_INET6 &&
			set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0) ||
		bind(fd, (const struct sockaddr *)&a->ss, a->len) < 0 ||
		(!datagram && listen(fd, BACKLOG) < 0))
		fd_close(&fd);
	if (fd >= 0 && datagram) /* a smaller buffer is no fault */
		(void)set_option(fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER_BYTES);
	return fd;
}

/* Only owner and group may connect: that is who may administer. */
static int bind_unix(const char *path, struct owner owner)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	mode_t old;
	int fd, rc;

	if (n >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sun.sun_path, path, n);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	(void)unlink(path); /* of a daemon that was killed */
	old = umask(0117);
	rc = bind(fd, (const struct sockaddr *)&sun, sizeof(sun));
	(void)umask(old);
	if (rc < 0 || listen(fd, BACKLOG) < 0 ||
		(owner.uid != (uid_t)-1 &&
			/* a socket cannot be opened; the folder is root's */
			fchownat(AT_FDCWD, path, owner.uid, owner.gid,
				AT_SYMLINK_NOFOLLOW) < 0))
		fd_close(&fd);
	return fd;
}

/* Takes what is already open under the same name, or -1. */
static int take(struct sockets *from, const struct bound *want)
{
	int fd;

	for (size_t i = 0; from != NULL && i < from->n; i++) {
		struct bound *b = &from->items[i];

		if (b->role != want->role || b->worker != want->worker ||
			strcmp(b->name, want->name) != 0 ||
			b->datagram != want->datagram ||
			!str_eq(b->where, want->where) || b->fd < 0)
			continue;
		fd = b->fd;
		b->fd = -1;
		return fd;
	}
	return -1;
}

static void add(struct sockets *s, struct bound b)
{
	BUG(!VEC_PUSH(s->arena, s, b));
}

static enum status open_unix(struct sockets *s, struct bound b,
	struct owner owner, struct sockets *from, struct err *e)
{
	b.fd = take(from, &b);
	if (b.fd < 0)
		b.fd = bind_unix(b.where.p, owner);
	if (b.fd < 0)
		return err_sys(e, ST_PERM, errno, "%s: cannot listen on %s",
			b.role->name, b.where.p);
	add(s, b);
	return ST_OK;
}

/* A machine without IPv6 is no error as long as the address is a wildcard. */
static bool may_lack(const struct addr *a)
{
	return a->ss.ss_family == AF_INET6 &&
	       (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL) &&
	       memcmp(addr_bytes(a).p, &in6addr_any, 16) == 0;
}

static enum status open_ip(struct sockets *s, struct bound b,
	const char *setting, struct sockets *from, struct err *e)
{
	struct addr a;

	BUG(addr_parse(b.where, 0, &a) != ST_OK); /* settings checked it */
	b.fd = take(from, &b);
	if (b.fd < 0)
		b.fd = bind_ip(&a, b.datagram);
	if (b.fd < 0 && may_lack(&a)) {
		LOG(LOG_WARN, "socket.no_ipv6", KV_Z("setting", setting),
			KV_STR("address", b.where));
		return ST_OK;
	}
	if (b.fd < 0)
		return err_sys(e, ST_PERM, errno,
			"%s: cannot listen on %s (setting %s)", b.role->name,
			b.where.p, setting);
	add(s, b);
	return ST_OK;
}

static enum status open_list(struct sockets *s, struct bound b,
	unsigned workers, const char *setting, const struct settings *set,
	struct sockets *from, struct err *e)
{
	size_t n;
	const struct str *list = settings_list(set, setting, &n);
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < n; i++) {
		b.where = arena_str(s->arena, list[i]);
		for (b.worker = 0; st == ST_OK && b.worker < workers;
			b.worker++)
			st = open_ip(s, b, setting, from, e);
	}
	return st;
}

enum status sockets_open(struct sockets *s, const struct role *role,
	unsigned workers, const struct settings *set, struct owner owner,
	struct sockets *from, struct err *e)
{
	const struct role_socket *rs = role->sockets;
	enum status st = ST_OK;

	if (s->arena == NULL)
		s->arena = arena_must(0);
	for (; rs != NULL && rs->name != NULL && st == ST_OK; rs++) {
		struct bound b = { .role = role,
			.worker = ALL_WORKERS,
			.name = rs->name,
			.datagram = rs->datagram };

		if (rs->where[0] == '/') {
			b.where = settings_run_path(
				set, s->arena, rs->where + 1);
			st = open_unix(s, b, owner, from, e);
		} else {
			st = open_list(s, b, workers, rs->where, set, from, e);
		}
	}
	return st;
}

void sockets_close(struct sockets *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct bound *b = &s->items[i];

		if (b->fd >= 0 && b->where.p[0] == '/')
			(void)unlink(b->where.p);
		fd_close(&b->fd);
	}
	arena_free(&s->arena);
	*s = (struct sockets){};
}
