/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_reader: the parent's side. Whatever comes from the child is treated
 * as a stranger's: it is capped, and its reports are read anew.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "intake/digest_child.h"
#include "intake/digest_reader.h"
#include "io/channel.h"
#include "io/fd.h"
#include "proto/tlsrpt_text.h"

#include "base/poison.h"

#define TRIES 2
#define QUIRKS_TEXT_MAX 4096u

struct digest_reader {
	struct digest_reader_options options;
	pid_t pid; /* 0: no child */
	int fd;
	unsigned reads; /* by this child */
	unsigned started;
};

struct digest_reader *digest_reader_new(
	const struct digest_reader_options *options)
{
	struct digest_reader *r = mem_must(sizeof(*r));

	r->options = *options;
	r->fd = -1;
	return r;
}

/* Ends the child, which holds nothing that could be lost; its wait status. */
static int end_child(struct digest_reader *r)
{
	int status = 0;

	fd_close(&r->fd);
	if (r->pid == 0)
		return 0;
	(void)kill(r->pid, SIGKILL);
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	r->pid = 0;
	r->reads = 0;
	return status;
}

void digest_reader_free(struct digest_reader **r)
{
	if (*r == NULL)
		return;
	(void)end_child(*r);
	mem_free(*r);
	*r = NULL;
}

void digest_reader_rest(struct digest_reader *r)
{
	(void)end_child(r);
}

unsigned digest_reader_started(const struct digest_reader *r)
{
	return r->started;
}

__attribute__((noreturn)) static void be_child(
	const char *program, int fd, int first_other)
{
	const char *argv[] = { "moatd", "--role", DIGEST_CHILD, NULL };
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(fd, STDIN_FILENO) < 0 ||
		close_range((unsigned)first_other, ~0u, 0) < 0)
		_exit(EXIT_FAILURE);
	if (program == NULL)
		_exit(digest_child_main(STDIN_FILENO));
	(void)execv(program, (char *const *)(uintptr_t)argv);
	_exit(EXIT_FAILURE);
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
	enum status st = channel_read(
		r->fd, a, DIGEST_HEAD_MAX, deadline_of(r), &said, e);

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
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, ST_TEMP, errno, "socketpair");
	r->pid = fork();
	if (r->pid == 0)
		be_child(r->options.program, ends[1], STDERR_FILENO + 1);
	fd_close(&ends[1]);
	if (r->pid < 0) {
		r->pid = 0;
		fd_close(&ends[0]);
		return err_sys(e, ST_TEMP, errno, "fork");
	}
	r->fd = ends[0];
	r->started++;
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

/* The child says that it cannot read the report. */
static enum status refused(const struct json *head, struct err *e)
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
	return err_set(e, st, "%.*s", STR_ARG(told));
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
	return channel_write(r->fd, sbuf_str(&b), deadline, NULL);
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
		if (channel_read(r->fd, a, DIGEST_HEAD_MAX, *deadline, &text,
			    e) != ST_OK)
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

static enum status take_head(struct digest_reader *r, struct arena *a,
	struct mono *deadline, struct digest_reports *out, struct err *e)
{
	struct json *head = NULL;
	int64_t n = 0;
	enum status st = read_head(r, a, deadline, &head, e);

	if (st != ST_OK)
		return st;
	if (!str_eq(json_get_str(head, "status"), str_of(status_name(ST_OK))))
		return refused(head, e);
	if (json_i64(json_get(head, "reports"), 1, TLSRPT_TEXTS_MAX, &n) !=
		ST_OK)
		return broken(e);
	out->n = (size_t)n;
	out->items = arena_array(a, out->n, sizeof(*out->items));
	out->quirks = arena_array(a, out->n, sizeof(*out->quirks));
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

	if (channel_read(r->fd, a, DIGEST_REPORT_MAX, deadline, &text, e) !=
		ST_OK)
		return ST_TEMP;
	st = tlsrpt_report_read(a, text, NULL, out, e);
	return st == ST_INVALID ? broken(e) : st;
}

static enum status write_request(struct digest_reader *r, struct arena *a,
	struct str raw, struct unix_time received, struct mono deadline,
	struct err *e)
{
	struct str request[] = {
		arena_fmt(a, "%lld",
			received.s > 0 ? (long long)received.s : 0LL),
		raw,
	};

	if (request[0].p == NULL)
		return err_set(e, ST_LIMIT, "no memory for the report");
	return channel_write_all(r->fd, request, 2, deadline, e) == ST_OK
		       ? ST_OK
		       : ST_TEMP;
}

/* One try. ST_TEMP: the child is at fault. */
static enum status ask(struct digest_reader *r, struct arena *a, struct str raw,
	struct unix_time received, struct digest_reports *out, struct err *e)
{
	struct mono deadline = deadline_of(r);
	struct digest_reports got = {};
	enum status st = write_request(r, a, raw, received, deadline, e);

	if (st == ST_OK)
		st = take_head(r, a, &deadline, &got, e);
	for (size_t i = 0; st == ST_OK && i < got.n; i++) {
		st = take_report(r, a, deadline, &got.items[i], e);
		/* The rest of the answer is not read: no second question. */
		if (st != ST_OK)
			(void)end_child(r);
	}
	if (st == ST_OK)
		*out = got;
	return st;
}

enum status digest_reader_read(struct digest_reader *r, struct arena *a,
	struct str raw, struct unix_time received, struct digest_reports *out,
	struct err *e)
{
	struct err why = {};
	enum status st;

	if (raw.n > TLSRPT_RAW_BYTES_MAX)
		return err_set(e, ST_LIMIT, "it is longer than %u bytes",
			TLSRPT_RAW_BYTES_MAX);
	for (int i = 0; i < TRIES; i++) {
		if (r->reads >= r->options.max_reads)
			(void)end_child(r);
		if (r->pid == 0) {
			st = start_child(r, e);
			if (st != ST_OK)
				return st;
		}
		r->reads++;
		st = ask(r, a, raw, received, out, &why);
		if (st != ST_TEMP) {
			if (st != ST_OK && e != NULL)
				*e = why;
			return st;
		}
		LOG(LOG_WARN, "digest.child_lost", KV_Z("reason", why.text),
			KV_INT("status", end_child(r)));
	}
	return err_set(e, ST_INVALID, "it took the reader down %d times: %s",
		TRIES, why.text);
}

enum status digest_reader_read_all(struct digest_reader *r,
	struct digest_item *items, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct digest_item *t = &items[i];

		t->st = digest_reader_read(
			r, t->arena, t->raw, t->received, &t->reports, &t->err);
		if (t->st == ST_TEMP)
			return err_set(e, ST_TEMP, "%s", t->err.text);
	}
	return ST_OK;
}
