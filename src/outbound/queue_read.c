/* SPDX-License-Identifier: Apache-2.0 */
/* queue_read: from pieces of output to lines, from lines to messages. */
#include "outbound/queue_read.h"

#include "base/sbuf.h"
#include "io/idn.h"
#include "io/program.h"

#include "base/poison.h"

#define QUEUE_LIMIT_MS 120000
#define RELEASE_LIMIT_MS 10000
#define ARGS_MAX 6

struct reading {
	struct arena *lines, *line; /* of the line so far; of a whole one */
	struct sbuf rest;
	queue_read_fn *fn;
	void *ctx;
	size_t n, unreadable;
	bool skip; /* the rest of a line that is too long */
};

/* What is given to postqueue; argv has ARGS_MAX words. */
static void lay_out(const struct queue_where *where, struct arena *a,
	const char **argv, const char *option, const char *id)
{
	size_t n = 0;

	argv[n++] = arena_fmt(a, "%s/postqueue", where->commands).p;
	if (where->config[0] != '\0') {
		argv[n++] = "-c";
		argv[n++] = where->config;
	}
	argv[n++] = option;
	argv[n++] = id;
	argv[n] = NULL;
}

static void take_line(struct reading *r)
{
	struct queue_message m;

	if (r->rest.n > 0 && !r->skip) {
		if (queue_line_parse(r->line, sbuf_str(&r->rest), idn_to_ascii,
			    &m, NULL) == ST_OK) {
			r->n++;
			r->fn(r->ctx, &m);
		} else {
			r->unreadable++;
		}
	}
	r->skip = false;
	arena_reset(r->line);
	arena_reset(r->lines);
	r->rest = sbuf_arena(r->lines, QUEUE_LINE_BYTES_MAX);
}

static bool on_piece(void *ctx, struct str piece)
{
	struct reading *r = ctx;

	while (piece.p != NULL) {
		struct str part = str_cut(&piece, '\n');

		if (!r->skip)
			sbuf_add(&r->rest, part);
		if (!r->skip && !sbuf_ok(&r->rest)) {
			r->skip = true;
			r->unreadable++;
		}
		if (piece.p != NULL)
			take_line(r);
		if (r->n == QUEUE_MESSAGES_MAX)
			return false;
	}
	return true;
}

enum status queue_read(const struct queue_where *where, queue_read_fn *fn,
	void *ctx, size_t *unreadable, struct err *e)
{
	struct arena *a = arena_must(0);
	struct reading r = { .lines = arena_must(0),
		.line = arena_must(0),
		.fn = fn,
		.ctx = ctx };
	const char *argv[ARGS_MAX];
	enum status st;

	r.rest = sbuf_arena(r.lines, QUEUE_LINE_BYTES_MAX);
	lay_out(where, a, argv, "-j", NULL);
	st = program_run(argv, QUEUE_LIMIT_MS, on_piece, &r, e);
	if (st == ST_OK)
		take_line(&r);
	*unreadable = r.unreadable;
	arena_free(&r.line);
	arena_free(&r.lines);
	arena_free(&a);
	return st;
}

static bool ignore(void *ctx, struct str piece)
{
	(void)ctx;
	(void)piece;
	return true;
}

enum status queue_release(
	const struct queue_where *where, struct str id, struct err *e)
{
	struct arena *a = arena_must(0);
	const char *argv[ARGS_MAX];
	enum status st;

	lay_out(where, a, argv, "-i", arena_str(a, id).p);
	st = program_run(argv, RELEASE_LIMIT_MS, ignore, NULL, e);
	arena_free(&a);
	return st;
}
