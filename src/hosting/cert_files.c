/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_files: HOST/fullchain.pem and HOST/privkey.pem below a folder, as most
 * ACME programs lay them out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "hosting/cert_source.h"

#include "base/mem.h"
#include "hosting/cert_install.h"
#include "io/pki.h"

#include "base/poison.h"

#define FILE_MAX (64u * 1024)
#define PATH_CAP 4096

/* A host name holds no slash, so it cannot lead out of the folder. */
static bool is_host(struct str host)
{
	for (size_t i = 0; i < host.n; i++)
		if (!chr_is_alnum(host.p[i]) && host.p[i] != '-' &&
			host.p[i] != '.')
			return false;
	return host.n > 0 && host.p[0] != '.';
}

/* Reads a whole file into buf of FILE_MAX bytes. */
static enum status read_file(const struct cert_env *env, struct str host,
	const char *file, char *buf, size_t *n, struct err *e)
{
	char path[PATH_CAP];
	size_t used = 0;
	ssize_t got;
	int fd;

	if (!is_host(host))
		return err_set(e, ST_INVALID, "not a host name");
	(void)snprintf(path, sizeof(path), "%s/%.*s/%s", env->config->files_dir,
		STR_ARG(host), file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno == ENOENT ? ST_NOTFOUND : ST_PERM,
			errno, "%s", path);
	while ((got = read(fd, buf + used, FILE_MAX - used)) > 0)
		used += (size_t)got;
	(void)close(fd);
	if (got < 0 || used == FILE_MAX)
		return err_set(e, ST_INVALID,
			"%s: cannot be read, or is too large", path);
	*n = used;
	return ST_OK;
}

static enum status read_chain(const struct cert_env *env, struct arena *a,
	struct str host, struct str **chain, size_t *n, struct err *e)
{
	char *buf = mem_must(FILE_MAX);
	size_t len = 0;
	enum status st = read_file(env, host, "fullchain.pem", buf, &len, e);

	if (st == ST_OK)
		st = pki_chain_read_pem(
			a, (struct str){ buf, len }, chain, n, e);
	mem_free(buf);
	return st;
}

static enum status read_key(const struct cert_env *env, struct str host,
	struct pki_key **out, struct err *e)
{
	char *buf = mem_must(FILE_MAX);
	size_t len = 0;
	enum status st = read_file(env, host, "privkey.pem", buf, &len, e);

	if (st == ST_OK)
		st = pki_key_read_pem((struct str){ buf, len }, out, e);
	mem_wipe(buf, FILE_MAX);
	mem_free(buf);
	return st;
}

enum status cert_from_files(const struct cert_env *env, struct arena *a,
	struct str host, struct cert_material *out, struct err *e)
{
	struct cert_material m = {};
	enum status st = read_chain(env, a, host, &m.chain, &m.n, e);

	if (st == ST_OK)
		st = read_key(env, host, &m.key, e);
	if (st == ST_OK)
		*out = m;
	return st;
}

bool cert_files_changed(const struct cert_env *env, struct arena *a,
	struct str host, struct str id)
{
	struct err ignored = {};
	struct str *chain;
	size_t n;

	return read_chain(env, a, host, &chain, &n, &ignored) == ST_OK &&
	       !str_eq(cert_id_of(a, chain[0]), id);
}
