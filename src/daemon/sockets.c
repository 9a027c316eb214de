/* SPDX-License-Identifier: Apache-2.0 */
/* sockets: bind and listen, once per worker (SO_REUSEPORT). */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/settings.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/vec.h"
#include "daemon/privileges.h"
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

/* Who may connect to a unix socket. */
struct access {
	struct owner owner;
	mode_t mode;
};

/* Whom an administrator's socket is for: owner and group. */
#define ACCESS_ADMIN 0660

static bool is_socket(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* A socket cannot be opened for this; its folder is root's. */
static int give(const char *path, const struct access *access)
{
	if (fchownat(AT_FDCWD, path, access->owner.uid, access->owner.gid,
		    AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return chmod(path, access->mode);
}

static int bind_unix(const char *path, const struct access *access)
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
	if (is_socket(path)) /* of a daemon that was killed */
		(void)unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	old = umask(0777 & ~access->mode);
	rc = bind(fd, (const struct sockaddr *)&sun, sizeof(sun));
	(void)umask(old);
	if (rc < 0 || listen(fd, BACKLOG) < 0)
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
	const struct access *access, struct sockets *from, struct err *e)
{
	b.fd = take(from, &b);
	if (b.fd >= 0 && !is_socket(b.where.p))
		fd_close(&b.fd); /* somebody removed it */
	if (b.fd < 0)
		b.fd = bind_unix(b.where.p, access);
	if (b.fd >= 0)
		add(s, b);
	if (b.fd < 0 || give(b.where.p, access) < 0)
		return err_sys(e, ST_PERM, errno, "%s: cannot listen on %s",
			b.role->name, b.where.p);
	return ST_OK;
}

/* What stands in the setting KEY_what, NUL-terminated. */
static const char *beside(
	const struct settings *set, const char *key, const char *what)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "%s_%s", key, what);
	return settings_str(set, name).p;
}

static enum status access_of(const struct settings *set, const char *key,
	struct access *out, struct err *e)
{
	const char *user = beside(set, key, "owner");
	const char *group = beside(set, key, "group");
	const struct group *gr = NULL;
	enum status st = ST_OK;
	uint32_t mode = 0;

	if (user[0] != '\0')
		st = privileges_find(user, &out->owner.uid, &out->owner.gid, e);
	if (st != ST_OK)
		return err_set(
			e, st, "%s_owner: there is no user %s", key, user);
	if (group[0] != '\0')
		gr = getgrnam(group);
	if (group[0] != '\0' && gr == NULL)
		return err_set(e, ST_NOTFOUND,
			"%s_group: there is no group %s: create it, or name "
			"the group of your mail server",
			key, group);
	if (gr != NULL)
		out->owner.gid = gr->gr_gid;
	for (const char *p = beside(set, key, "mode"); *p != '\0'; p++)
		mode = mode * 8 + (uint32_t)(*p - '0');
	out->mode = (mode_t)mode;
	return ST_OK;
}

/* A socket anywhere; its folder is made if it is missing, and left as it is. */
static enum status open_path(struct sockets *s, struct bound b, const char *key,
	const struct settings *set, struct owner owner, struct sockets *from,
	struct err *e)
{
	struct access access = { .owner = owner };
	struct str dir = b.where;
	enum status st;

	if (b.where.n == 0)
		return ST_OK;
	while (dir.n > 0 && dir.p[dir.n - 1] != '/')
		dir.n--;
	st = access_of(set, key, &access, e);
	if (st == ST_OK && dir.n > 1)
		st = privileges_make_dir(
			arena_str(s->arena, str_upto(dir, dir.n - 1)).p, 0755,
			(uid_t)-1, (gid_t)-1, e);
	if (st != ST_OK)
		return st;
	return open_unix(s, b, &access, from, e);
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
			.datagram = rs->kind == ROLE_UDP };

		if (rs->where[0] == '/') {
			b.where = settings_run_path(
				set, s->arena, rs->where + 1);
			st = open_unix(s, b,
				&(struct access){ owner, ACCESS_ADMIN }, from,
				e);
		} else if (rs->kind == ROLE_UNIX) {
			b.where = arena_str(
				s->arena, settings_str(set, rs->where));
			st = open_path(s, b, rs->where, set, owner, from, e);
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
