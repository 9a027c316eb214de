/* SPDX-License-Identifier: Apache-2.0 */
/* resolv_conf: resolv.conf(5). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/fd.h"
#include "io/resolv_conf.h"

#include "base/poison.h"

#define DNS_PORT 53

/* "fe80::1%eth0": the part behind % is an interface. */
static enum status parse_server(struct str text, struct addr *out)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->ss;
	struct str host = str_cut(&text, '%');
	char name[IF_NAMESIZE];
	struct sbuf b = sbuf_fixed(name, sizeof(name) - 1);
	enum status st = addr_parse(host, DNS_PORT, out);

	if (st != ST_OK || text.p == NULL)
		return st;
	sbuf_add(&b, text);
	name[b.n] = '\0';
	if (out->ss.ss_family != AF_INET6 || !sbuf_ok(&b))
		return ST_INVALID;
	in6->sin6_scope_id = if_nametoindex(name);
	return in6->sin6_scope_id != 0 ? ST_OK : ST_INVALID;
}

size_t resolv_conf_parse(struct str text, struct addr *servers)
{
	static const struct str keyword = STR("nameserver");
	size_t n = 0;

	while (text.p != NULL && n < RESOLV_CONF_SERVERS_MAX) {
		struct str line = str_trim(str_cut(&text, '\n'));

		if (!str_starts(line, keyword) || line.n == keyword.n ||
			(line.p[keyword.n] != ' ' && line.p[keyword.n] != '\t'))
			continue;
		line = str_trim(str_from(line, keyword.n));
		for (size_t i = 0; i < line.n; i++)
			if (line.p[i] == ' ' || line.p[i] == '\t')
				line.n = i;
		if (parse_server(line, &servers[n]) == ST_OK)
			n++;
	}
	return n;
}

static bool is_same(const struct resolv_conf *c, const struct stat *s)
{
	return c->modified.tv_sec == s->st_mtim.tv_sec &&
	       c->modified.tv_nsec == s->st_mtim.tv_nsec &&
	       c->inode == s->st_ino && c->bytes == s->st_size;
}

/* The text in memory of its own, which the caller frees. */
static enum status read_text(
	const char *path, char **p, size_t *n, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t rc = fd < 0 ? -1 : 1;

	*p = mem_must(RESOLV_CONF_BYTES_MAX);
	*n = 0;
	while (rc > 0 && *n < RESOLV_CONF_BYTES_MAX) {
		rc = read(fd, *p + *n, RESOLV_CONF_BYTES_MAX - *n);
		*n += rc > 0 ? (size_t)rc : 0;
	}
	fd_close(&fd);
	return rc < 0 ? err_sys(e, ST_TEMP, errno, "%s", path) : ST_OK;
}

/* All that the kernel takes of it, the interface too. */
static struct str bytes_of(const struct addr *a)
{
	return (struct str){ (const char *)&a->ss, a->len };
}

static bool same_servers(
	const struct resolv_conf *a, const struct resolv_conf *b)
{
	for (size_t i = 0; i < a->n_servers && i < b->n_servers; i++)
		if (!str_eq(bytes_of(&a->servers[i]), bytes_of(&b->servers[i])))
			return false;
	return a->n_servers == b->n_servers;
}

enum status resolv_conf_read(
	struct resolv_conf *c, bool *changed, struct err *e)
{
	struct resolv_conf now = { .path = c->path };
	enum status st = ST_OK;
	char *p = NULL;
	struct stat s;
	size_t n = 0;

	*changed = false;
	if (stat(c->path, &s) < 0)
		return err_sys(e, ST_TEMP, errno, "%s", c->path);
	if (is_same(c, &s))
		return ST_OK;
	st = read_text(c->path, &p, &n, e);
	if (st != ST_OK)
		goto out;
	now.modified = s.st_mtim;
	now.inode = s.st_ino;
	now.bytes = s.st_size;
	now.n_servers = resolv_conf_parse((struct str){ p, n }, now.servers);
	if (now.n_servers == 0) {
		st = err_set(e, ST_TEMP, "%s names no server", c->path);
		goto out;
	}
	*changed = !same_servers(c, &now);
	*c = now;
out:
	mem_free(p);
	return st;
}

/* path without its last part. */
static void cut_to_folder(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL)
		memcpy(path, ".", sizeof("."));
	else
		slash[slash == path ? 1 : 0] = '\0';
}

void resolv_conf_folders(const char *path, char *out1, char *out2)
{
	struct sbuf b = sbuf_fixed(out1, PATH_MAX - 1);

	sbuf_addz(&b, path);
	out1[b.n] = '\0';
	if (realpath(path, out2) == NULL)
		memcpy(out2, out1, b.n + 1);
	cut_to_folder(out1);
	cut_to_folder(out2);
}
