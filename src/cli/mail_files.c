/* SPDX-License-Identifier: Apache-2.0 */
/* mail_files: walks folders, splits mailbox files. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bug.h"
#include "cli/mail_files.h"
#include "proto/tlsrpt_limits.h"

#include "base/poison.h"

#define ARENA_MAX ((size_t)1 << 30)
#define MARK "From "

struct walk {
	const struct cli *cli;
	mail_files_fn *fn;
	void *ctx;
	int worst;
};

static void settle(struct walk *w, int code)
{
	w->worst = code > w->worst ? code : w->worst;
}

static void failed(struct walk *w, const struct err *e)
{
	settle(w, cli_failed(w->cli, e));
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A regular file that begins with a line of an mbox. */
static bool is_mbox(const char *path)
{
	char begin[sizeof(MARK) - 1];
	struct stat st;
	bool is = false;
	FILE *f;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	is = fread(begin, 1, sizeof(begin), f) == sizeof(begin) &&
	     memcmp(begin, MARK, sizeof(begin)) == 0;
	(void)fclose(f);
	return is;
}

bool mail_files_are_many(const char *path)
{
	return is_folder(path) || is_mbox(path);
}

/* ---- mailbox files ---- */

struct mbox {
	struct walk *walk;
	const char *path;
	FILE *file;
	char *line;
	size_t cap;
	ssize_t n; /* bytes of line; -1: the end */
	unsigned messages;
};

static void next_line(struct mbox *m)
{
	m->n = getline(&m->line, &m->cap, m->file);
}

static bool is_mark(struct str line)
{
	return str_starts(line, STR(MARK));
}

/* ">From " was "From " before it was put there, ">>From " ">From ". */
static struct str unquoted(struct str line)
{
	struct str rest = line;

	while (str_starts(rest, STR(">")))
		rest = str_from(rest, 1);
	return rest.n < line.n && is_mark(rest) ? str_from(line, 1) : line;
}

static bool is_empty(struct str line)
{
	return str_eq(line, STR("\n")) || str_eq(line, STR("\r\n"));
}

/* From behind one mark up to the next, which follows an empty line. */
static struct str take_message(struct mbox *m, struct arena *a)
{
	struct sbuf b = sbuf_arena(a, TLSRPT_RAW_BYTES_MAX);
	bool after_empty = false;

	for (next_line(m); m->n >= 0; next_line(m)) {
		struct str line = { m->line, (size_t)m->n };

		if (after_empty && is_mark(line))
			break;
		after_empty = is_empty(line);
		sbuf_add(&b, unquoted(line));
	}
	return sbuf_ok(&b) ? sbuf_str(&b) : (struct str){};
}

static void hand_over(struct mbox *m, struct arena *a, struct str raw)
{
	struct walk *w = m->walk;
	struct str name = arena_fmt(
		a, "%s: message %u", m->path, ++m->messages);
	struct err e;

	BUG(name.p == NULL);
	if (raw.p != NULL) {
		settle(w, w->fn(w->ctx, a, name.p, raw));
		return;
	}
	(void)err_set(&e, ST_LIMIT, "%s: it is longer than %u bytes", name.p,
		TLSRPT_RAW_BYTES_MAX);
	failed(w, &e);
}

static void each_message(struct walk *w, const char *path)
{
	struct mbox m = { .walk = w, .path = path };
	struct err e;

	m.file = fopen(path, "re");
	if (m.file == NULL) {
		(void)err_sys(&e, ST_PERM, errno, "%s", path);
		failed(w, &e);
		return;
	}
	for (next_line(&m); m.n >= 0;) {
		struct arena *a = arena_must(ARENA_MAX);

		hand_over(&m, a, take_message(&m, a));
		arena_free(&a);
	}
	free(m.line);
	(void)fclose(m.file);
}

/* ---- files and folders ---- */

static void one_file(struct walk *w, const char *path)
{
	struct cli cli = *w->cli;
	struct err e = {};
	struct str raw;

	if (strcmp(path, "-") != 0 && is_mbox(path)) {
		each_message(w, path);
		return;
	}
	cli.arena = arena_must(ARENA_MAX);
	if (cli_read(&cli, path, TLSRPT_RAW_BYTES_MAX, &raw, &e) == ST_OK)
		settle(w, w->fn(w->ctx, cli.arena, path, raw));
	else
		failed(w, &e);
	arena_free(&cli.arena);
}

static int is_seen(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void folder(struct walk *w, const char *path, int depth);

static void entry(struct walk *w, const char *path, int depth)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return; /* it went meanwhile */
	if (S_ISDIR(st.st_mode) && depth < MAIL_FILES_DEPTH_MAX)
		folder(w, path, depth + 1);
	else if (S_ISREG(st.st_mode))
		one_file(w, path);
}

static const char *below(struct arena *a, const char *path, const char *name)
{
	struct str s = arena_fmt(a, "%s/%s", path, name);

	BUG(s.p == NULL);
	return s.p;
}

static void folder(struct walk *w, const char *path, int depth)
{
	struct arena *a = arena_must(0);
	struct dirent **names = NULL;
	bool maildir = is_folder(below(a, path, "cur")) &&
		       is_folder(below(a, path, "new"));
	int n = scandir(path, &names, is_seen, alphasort);
	struct err e;

	if (n < 0) {
		(void)err_sys(&e, ST_PERM, errno, "%s", path);
		failed(w, &e);
	}
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		/* What is in tmp is not there yet. */
		if (!maildir || strcmp(name, "tmp") != 0)
			entry(w, below(a, path, name), depth);
		free(names[i]);
	}
	free(names);
	arena_free(&a);
}

int mail_files_each(
	const struct cli *cli, const char *path, mail_files_fn *fn, void *ctx)
{
	struct walk w = { cli, fn, ctx, CLI_GOOD };

	if (strcmp(path, "-") != 0 && is_folder(path))
		folder(&w, path, 0);
	else
		one_file(&w, path);
	return w.worst;
}
