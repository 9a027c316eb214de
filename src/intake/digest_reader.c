/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_reader: the parent's side. Whatever comes from the child is treated
 * as a stranger's: it is capped, and its reports are read anew.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "intake/digest_reader.h"
#include "io/channel.h"
#include "io/fd.h"
#include "proto/tlsrpt_text.h"

#include "base/poison.h"

#define TRIES 2 /* to read one report */
#define QUIRKS_TEXT_MAX 4096u
#define READ_AHEAD ((size_t)64 << 10)

struct digest_reader {
	struct digest_reader_options options;
	struct digest_starter *starter;
	pid_t pid; /* of the child; 0: there is none */
	struct channel_reader answers;
	unsigned started;
	char ahead[READ_AHEAD];
};

struct digest_reader *digest_reader_new(
	const struct digest_reader_options *options)
{
	struct digest_reader *r = mem_must(sizeof(*r));

	r->options = *options;
	if (r->options.child == NULL)
		r->options.child = digest_child_main;
	r->starter = digest_starter_new(options->program, r->options.child);
	r->answers.fd = -1;
	return r;
}

/* Ends the child, which holds nothing that could be lost; its wait status. */
static int end_child(struct digest_reader *r)
{
	int status = 0;

	fd_close(&r->answers.fd);
	if (r->pid == 0)
		return 0;
	(void)kill(r->pid, SIGKILL);
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	r->pid = 0;
	return status;
}

void digest_reader_free(struct digest_reader **r)
{
	if (*r == NULL)
		return;
	(void)end_child(*r);
	digest_starter_free(&(*r)->starter);
	mem_free(*r);
	*r = NULL;
}

void digest_reader_rest(struct digest_reader *r)
{
	digest_starter_look(r->starter);
}

unsigned digest_reader_started(const struct digest_reader *r)
{
	return r->started;
}

static struct mono deadline_of(const struct digest_reader *r)
{
	struct mono t = clock_mono(clock_system());

	t.ms += r->options.time_ms;
	return t;
}

/*
 * A child that cannot even start (no program, no memory, no sandbox) is no
 * report's fault: reports wait until it can.
 */
static enum status wait_ready(struct digest_reader *r, struct err *e)
{
	struct arena *a = arena_must(0);
	struct str said = {};
	enum status st = channel_next(
		&r->answers, a, DIGEST_HEAD_MAX, deadline_of(r), &said, e);

	if (st == ST_OK && !str_eq(said, STR(DIGEST_READY)))
		st = err_set(e, ST_TEMP, "it says something else");
	arena_free(&a);
	if (st == ST_OK)
		return ST_OK;
	err_prefix(e, "the reader does not start");
	LOG(LOG_ERROR, "digest.child_not_started",
		KV_INT("status", end_child(r)));
	return ST_TEMP;
}

static enum status start_child(struct digest_reader *r, struct err *e)
{
	int fd = -1;
	enum status st = digest_starter_child(r->starter, &r->pid, &fd, e);

	if (st != ST_OK)
		return st;
	r->started++;
	r->answers = channel_reader_of(fd, r->ahead, sizeof(r->ahead));
	return wait_ready(r, e);
}

/* Names of quirks and commas; anything else is no answer of ours. */
static bool quirks_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!chr_is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != ',')
			return false;
	return s.p != NULL && s.n <= QUIRKS_TEXT_MAX;
}

static enum status broken(struct err *e)
{
	return err_set(e, ST_TEMP, "the reader gave no sensible answer");
}

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return false;
	return true;
}

/* The child says that it cannot read the report: that is an answer. */
static enum status take_refusal(
	const struct json *head, struct digest_item *t, struct err *e)
{
	struct str status = json_get_str(head, "status");
	struct str told = str_upto(
		json_get_str(head, "error"), ERR_TEXT_MAX - 1);
	enum status st = ST_TEMP;

	if (str_eq(status, str_of(status_name(ST_INVALID))))
		st = ST_INVALID;
	else if (str_eq(status, str_of(status_name(ST_LIMIT))))
		st = ST_LIMIT;
	if (st == ST_TEMP || told.n == 0 || !is_printable(told))
		return broken(e);
	t->st = err_set(&t->err, st, "%.*s", STR_ARG(told));
	return ST_OK;
}

/* ---- keys the child asks for */

static enum status write_key(struct digest_reader *r, struct arena *a,
	struct mono deadline, enum status st, struct str text)
{
	struct sbuf b = sbuf_arena(a, DIGEST_HEAD_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	json_put_z(&w, "status", status_name(st));
	if (st == ST_OK)
		json_put_str(&w, "text", text);
	json_close_object(&w);
	return channel_write(r->answers.fd, sbuf_str(&b), deadline, NULL);
}

/* Only names of keys: a child that was taken over learns nothing else. */
static bool is_key_name(struct str name)
{
	struct str rest = name;

	(void)str_cut(&rest, '.');
	while (rest.p != NULL && !str_starts(rest, STR("_domainkey.")))
		(void)str_cut(&rest, '.');
	return rest.p != NULL && is_printable(name) &&
	       tlsrpt_is_domain(str_from(rest, sizeof("_domainkey.") - 1));
}

static enum status answer_key(struct digest_reader *r, struct arena *a,
	struct str name, struct mono *deadline)
{
	int64_t begun = clock_mono(clock_system()).ms;
	enum status st = ST_NOTFOUND;
	struct str text = {};

	if (r->options.key != NULL && is_key_name(name))
		st = r->options.key(r->options.key_ctx, a, name, &text);
	if (st != ST_OK && st != ST_NOTFOUND)
		st = ST_TEMP;
	deadline->ms += clock_mono(clock_system()).ms - begun;
	return write_key(r, a, *deadline, st, text);
}

/* The first message that is no question. */
static enum status read_head(struct digest_reader *r, struct arena *a,
	struct mono *deadline, struct json **out, struct err *e)
{
	struct json *head = NULL;
	struct str text;

	for (int i = 0; i <= DIGEST_KEYS_MAX; i++) {
		if (channel_next(&r->answers, a, DIGEST_HEAD_MAX, *deadline,
			    &text, e) != ST_OK)
			return ST_TEMP;
		if (json_parse(a, text, JSON_LIMITS_DEFAULT, &head, NULL, e) !=
			ST_OK)
			return broken(e);
		if (!str_eq(json_get_str(head, "status"), STR("key"))) {
			*out = head;
			return ST_OK;
		}
		if (answer_key(r, a, json_get_str(head, "name"), deadline) !=
			ST_OK)
			return ST_TEMP;
	}
	return broken(e);
}

/* ---- the answer */

static bool take_signature(const struct json *in, struct dkim_signature *out)
{
	*out = (struct dkim_signature){
		.result = dkim_result_parse(json_get_str(in, "result")),
		.domain = json_get_str(in, "domain"),
		.reason = json_get_str(in, "reason"),
	};
	return out->result != DKIM_RESULT_NONE &&
	       (out->domain.n == 0 || tlsrpt_is_domain(out->domain)) &&
	       out->reason.n < ERR_TEXT_MAX && is_printable(out->reason);
}

static bool take_signatures(const struct json *head, struct digest_reports *out)
{
	const struct json *list = json_get(head, "dkim");
	struct dkim_signatures *s = &out->signatures;

	out->is_mail = list != NULL;
	out->submitter = json_get_str(head, "submitter");
	if (out->submitter.n > 0 && !tlsrpt_is_domain(out->submitter))
		return false;
	for (const struct json *i = list == NULL ? NULL : list->first;
		i != NULL; i = i->next)
		if (s->n == DKIM_SIGNATURES_MAX ||
			!take_signature(i, &s->items[s->n++]))
			return false;
	return true;
}

static bool take_quirks(const struct json *head, struct digest_reports *out)
{
	const struct json *quirk = json_get(head, "quirks");

	quirk = quirk == NULL ? NULL : quirk->first;
	for (size_t i = 0; i < out->n; i++) {
		out->quirks[i] = json_str(quirk);
		if (!quirks_ok(out->quirks[i]))
			return false;
		quirk = quirk->next;
	}
	return true;
}

static enum status take_head(struct digest_reader *r, struct digest_item *t,
	struct mono *deadline, struct err *e)
{
	struct digest_reports *out = &t->reports;
	struct json *head = NULL;
	int64_t n = 0;
	enum status st = read_head(r, t->arena, deadline, &head, e);

	if (st != ST_OK)
		return st;
	if (!str_eq(json_get_str(head, "status"), str_of(status_name(ST_OK))))
		return take_refusal(head, t, e);
	if (json_i64(json_get(head, "reports"), 1, TLSRPT_TEXTS_MAX, &n) !=
		ST_OK)
		return broken(e);
	out->n = (size_t)n;
	out->items = arena_array(t->arena, out->n, sizeof(*out->items));
	out->quirks = arena_array(t->arena, out->n, sizeof(*out->quirks));
	if (out->items == NULL || out->quirks == NULL)
		return err_set(e, ST_LIMIT, "no memory for the report");
	return take_quirks(head, out) && take_signatures(head, out) ? ST_OK
								    : broken(e);
}

static enum status take_report(struct digest_reader *r, struct arena *a,
	struct mono deadline, struct tlsrpt_report **out, struct err *e)
{
	struct str text;
	enum status st;

	if (channel_next(&r->answers, a, DIGEST_REPORT_MAX, deadline, &text,
		    e) != ST_OK)
		return ST_TEMP;
	st = tlsrpt_report_read(a, text, NULL, out, e);
	return st == ST_INVALID ? broken(e) : st;
}

/* An answer. ST_TEMP: there is none; ST_LIMIT: no memory for it. */
static enum status take_answer(struct digest_reader *r, struct digest_item *t,
	struct mono *deadline, struct err *e)
{
	enum status st;

	t->st = ST_OK;
	t->reports = (struct digest_reports){};
	st = take_head(r, t, deadline, e);
	for (size_t i = 0; st == ST_OK && i < t->reports.n; i++)
		st = take_report(
			r, t->arena, *deadline, &t->reports.items[i], e);
	return st;
}

/* ---- batches */

static enum status write_batch(struct digest_reader *r,
	const struct digest_item *items, size_t n, struct mono deadline,
	struct err *e)
{
	struct str texts[1 + 2 * DIGEST_BATCH_REPORTS];
	struct arena *a = arena_must(0);
	enum status st;

	texts[0] = arena_fmt(a, "%zu", n);
	for (size_t i = 0; i < n; i++) {
		int64_t at = items[i].received.s;

		texts[1 + 2 * i] = arena_fmt(a, "%" PRId64, at > 0 ? at : 0);
		texts[2 + 2 * i] = items[i].raw;
	}
	st = channel_write_all(r->answers.fd, texts, 1 + 2 * n, deadline, e);
	arena_free(&a);
	return st == ST_OK ? ST_OK : ST_TEMP;
}

/* Whether the answers to n reports are enough for now. */
static bool is_much(const struct digest_item *items, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += arena_used(items[i].arena);
	return bytes > DIGEST_READ_MEMORY;
}

static enum status ask(struct digest_reader *r, struct digest_item *items,
	size_t n, size_t *done, struct err *e)
{
	struct mono deadline = deadline_of(r);
	enum status st = write_batch(r, items, n, deadline, e);
	size_t i = 0;

	while (st == ST_OK && i < n && !is_much(items, i))
		st = take_answer(r, &items[i++], &deadline, e);
	*done = i;
	return st;
}

/*
 * Has a child read n reports, or *done of them. ST_LIMIT: no memory for what it
 * says; ST_TEMP: it is at fault (*lost), or there is none.
 */
static enum status read_batch(struct digest_reader *r,
	struct digest_item *items, size_t n, size_t *done, bool *lost,
	struct err *e)
{
	enum status st = start_child(r, e);
	int status;

	*lost = false;
	if (st != ST_OK)
		return st;
	st = ask(r, items, n, done, e);
	status = end_child(r);
	if (st == ST_TEMP) {
		*lost = true;
		digest_starter_renew(r->starter);
		LOG(LOG_WARN, "digest.child_lost", KV_Z("reason", e->text),
			KV_INT("reports", (int64_t)n),
			KV_INT("status", status));
	}
	return st;
}

static enum status read_alone(
	struct digest_reader *r, struct digest_item *t, struct err *e)
{
	struct err why = {};
	size_t done;
	bool lost;

	if (t->raw.n > TLSRPT_RAW_BYTES_MAX) {
		t->st = err_set(&t->err, ST_LIMIT, "it is longer than %u bytes",
			TLSRPT_RAW_BYTES_MAX);
		return ST_OK;
	}
	for (int i = 0; i < TRIES; i++) {
		enum status st = read_batch(r, t, 1, &done, &lost, &why);

		if (st == ST_TEMP && !lost)
			return err_set(e, ST_TEMP, "%s", why.text);
		if (st == ST_LIMIT)
			t->st = err_set(&t->err, ST_LIMIT, "%s", why.text);
		if (st != ST_TEMP)
			return ST_OK;
	}
	t->st = err_set(&t->err, ST_INVALID,
		"it took the reader down %d times: %s", TRIES, why.text);
	return ST_OK;
}

/* How many of n, the first at least, go well together. */
static size_t batch_size(const struct digest_item *items, size_t n)
{
	size_t bytes = items[0].raw.n, i = 1;

	while (i < n && i < DIGEST_BATCH_REPORTS &&
		(bytes += items[i].raw.n) <= DIGEST_BATCH_BYTES)
		i++;
	return i;
}

/* Together, or else each: which of them is at fault cannot be told. */
static enum status read_some(struct digest_reader *r, struct digest_item *items,
	size_t n, size_t *done, struct err *e)
{
	struct err why = {};
	bool lost = false;
	enum status st = ST_LIMIT;
	size_t i = 0;

	if (n > 1)
		st = read_batch(r, items, n, done, &lost, &why);
	if (st == ST_OK)
		return ST_OK;
	if (st == ST_TEMP && !lost)
		return err_set(e, ST_TEMP, "%s", why.text);
	st = ST_OK;
	while (st == ST_OK && i < n && !is_much(items, i))
		st = read_alone(r, &items[i++], e);
	*done = i;
	return st;
}

enum status digest_reader_read(struct digest_reader *r,
	struct digest_item *items, size_t n, size_t *done, struct err *e)
{
	enum status st = ST_OK;
	size_t part = 0;

	for (*done = 0; st == ST_OK && *done < n && !is_much(items, *done);
		*done += part)
		st = read_some(r, items + *done,
			batch_size(items + *done, n - *done), &part, e);
	return st;
}
