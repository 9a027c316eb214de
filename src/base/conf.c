/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf: INI syntax by inih. Debian builds it without line numbers in the
 * handler and with short lines, so lines are handed to it one by one, counted
 * here and refused when inih would cut them.
 */
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/vec.h"

#include "base/poison.h"

#define FILE_MAX_BYTES (1u << 20)

struct reading {
	struct arena *arena;
	struct str rest; /* p == NULL at the end */
	unsigned line;	 /* of the line handed out last */
	unsigned too_long;
	bool no_memory;
	struct conf rows;
};

/* What fgets is to a file: the next line into buf, or NULL at the end. */
static char *next_line(char *buf, int size, void *stream)
{
	struct reading *r = stream;
	struct str line;

	if (r->rest.p == NULL || r->rest.n == 0 || r->too_long != 0)
		return NULL;
	line = str_cut(&r->rest, '\n');
	r->line++;
	if (line.n + 2 > (size_t)size) {
		r->too_long = r->line;
		return NULL;
	}
	if (line.n > 0)
		memcpy(buf, line.p, line.n);
	buf[line.n] = '\n';
	buf[line.n + 1] = '\0';
	return buf;
}

/* Returns 0 for an error, as inih wants it. */
static int add_row(
	void *user, const char *section, const char *key, const char *value)
{
	struct reading *r = user;
	struct conf_row row = {
		.section = arena_str(r->arena, str_of(section)),
		.key = arena_str(r->arena, str_of(key)),
		.value = arena_str(r->arena, str_trim(str_of(value))),
		.line = r->line,
	};

	if (row.section.p == NULL || row.key.p == NULL || row.value.p == NULL ||
		!VEC_PUSH(r->arena, &r->rows, row))
		r->no_memory = true;
	return 1;
}

enum status conf_parse(struct arena *a, struct str text, const char *name,
	struct conf *out, struct err *e)
{
	struct reading r = { .arena = a, .rest = text };
	const char *nul = text.n > 0 ? memchr(text.p, '\0', text.n) : NULL;
	int bad;

	if (nul != NULL)
		return err_set(e, ST_INVALID, "%s: has a NUL byte", name);
	bad = ini_parse_stream(next_line, &r, add_row, &r);
	if (r.too_long != 0)
		return err_set(e, ST_LIMIT,
			"%s:%u: the line is too long (put further values "
			"into indented lines of their own)",
			name, r.too_long);
	if (bad < 0 || r.no_memory)
		return err_set(e, ST_LIMIT, "%s: out of memory", name);
	if (bad > 0)
		return err_set(e, ST_INVALID,
			"%s:%d: neither a [section] nor a key = value", name,
			bad);
	*out = r.rows;
	return ST_OK;
}

static enum status read_all(struct arena *a, int fd, const char *path,
	struct str *out, struct err *e)
{
	struct stat st;
	size_t n = 0;
	ssize_t got;
	char *p;

	if (fstat(fd, &st) < 0)
		return err_sys(e, ST_PERM, errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ST_PERM, "%s: not a regular file", path);
	if (st.st_size > FILE_MAX_BYTES)
		return err_set(e, ST_LIMIT, "%s: over 1 MiB", path);
	p = arena_alloc(a, (size_t)st.st_size + 1);
	if (p == NULL)
		return err_set(e, ST_LIMIT, "%s: out of memory", path);
	while (n < (size_t)st.st_size) {
		got = read(fd, p + n, (size_t)st.st_size - n);
		if (got < 0)
			return err_sys(e, ST_PERM, errno, "%s", path);
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*out = (struct str){ p, n };
	return ST_OK;
}

enum status conf_load(
	struct arena *a, const char *path, struct conf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct str text = {};
	enum status st;

	if (fd < 0)
		return err_sys(e, errno == ENOENT ? ST_NOTFOUND : ST_PERM,
			errno, "%s", path);
	st = read_all(a, fd, path, &text, e);
	(void)close(fd);
	if (st != ST_OK)
		return st;
	return conf_parse(a, text, path, out, e);
}
