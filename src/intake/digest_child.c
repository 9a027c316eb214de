/* SPDX-License-Identifier: Apache-2.0 */
/* digest_child: one report after the other, each in an arena of its own. */
#include <stdlib.h>

#include "base/json.h"
#include "base/num.h"
#include "intake/digest_child.h"
#include "intake/dkim.h"
#include "intake/unpack.h"
#include "io/channel.h"

#include "base/poison.h"

#define ARENA_MAX ((size_t)512 << 20)
#define IDLE_MS INT32_MAX
#define WRITE_MS 60000

#define READ_AHEAD ((size_t)64 << 10)
#define WRITE_LATER ((size_t)128 << 10) /* so much of the answers */

struct request {
	int64_t received;
	struct str raw;
};

#define KEYS_MAX 64u /* that are kept */

/* What the parent said of the key of that name. */
struct key {
	struct str name, text;
	enum status st;
};

/* What it talks over, and has learnt. */
struct talk {
	struct arena *arena; /* of the batch */
	struct channel_reader in;
	struct channel_writer out;
	struct key keys[KEYS_MAX];
	size_t n_keys;
};

static struct mono in_ms(int64_t ms)
{
	struct mono t = clock_mono(clock_system());

	t.ms += ms;
	return t;
}

static enum status write_failure(struct talk *t, struct arena *a,
	enum status why, const struct err *told)
{
	struct sbuf b = sbuf_arena(a, DIGEST_HEAD_MAX);
	struct json_writer w = json_writer_of(&b, 0);
	struct str text;

	json_open_object(&w, NULL);
	json_put_z(&w, "status", status_name(why));
	json_put_z(&w, "error", told->text);
	json_close_object(&w);
	text = sbuf_str(&b);
	return channel_put(&t->out, &text, 1, in_ms(WRITE_MS), NULL);
}

/* The names of the quirks of one report, each once, with commas. */
static struct str quirks_of(struct arena *a, const struct tlsrpt_report *r)
{
	struct sbuf b = sbuf_arena(a, DIGEST_HEAD_MAX);
	bool seen[TLSRPT_QUIRKS] = {};

	for (size_t i = 0; i < r->deviations.n; i++)
		seen[r->deviations.items[i].quirk] = true;
	for (int q = 0; q < TLSRPT_QUIRKS; q++) {
		if (!seen[q])
			continue;
		if (b.n > 0)
			sbuf_addc(&b, ',');
		sbuf_addz(&b, tlsrpt_quirk_name((enum tlsrpt_quirk)q));
	}
	return sbuf_str(&b);
}

static void put_signatures(
	struct json_writer *w, const struct dkim_signatures *signs)
{
	json_open_array(w, "dkim");
	for (size_t i = 0; i < signs->n; i++) {
		const struct dkim_signature *s = &signs->items[i];

		json_open_object(w, NULL);
		json_put_z(w, "result", dkim_result_name(s->result));
		json_put_str(w, "domain", s->domain);
		json_put_str(w, "reason", s->reason);
		json_close_object(w);
	}
	json_close_array(w);
}

static struct str head_text(struct arena *a,
	const struct unpacked_reports *found,
	const struct dkim_signatures *signs)
{
	struct sbuf b = sbuf_arena(a, DIGEST_HEAD_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	json_put_z(&w, "status", status_name(ST_OK));
	json_put_int(&w, "reports", (int64_t)found->n);
	json_open_array(&w, "quirks");
	for (size_t i = 0; i < found->n; i++)
		json_put_str(&w, NULL, quirks_of(a, found->items[i]));
	json_close_array(&w);
	json_put_str(&w, "submitter", found->submitter);
	if (found->mail.p != NULL)
		put_signatures(&w, signs);
	json_close_object(&w);
	return sbuf_str(&b);
}

/* p == NULL: too long, or no memory. */
static struct str report_text(struct arena *a, const struct tlsrpt_report *r)
{
	struct sbuf b = sbuf_arena(a, DIGEST_REPORT_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	tlsrpt_report_write(&w, r);
	return sbuf_ok(&b) ? sbuf_str(&b) : (struct str){};
}

/* The head, then the reports. */
static enum status write_answer(struct talk *t, struct arena *a,
	const struct unpacked_reports *found,
	const struct dkim_signatures *signs)
{
	struct str texts[1 + TLSRPT_TEXTS_MAX];
	size_t n = 0;

	texts[n++] = head_text(a, found, signs);
	for (size_t i = 0; i < found->n; i++) {
		texts[n] = report_text(a, found->items[i]);
		/* The parent sees the channel end and tells so. */
		if (texts[n++].p == NULL)
			return ST_LIMIT;
	}
	return channel_put(&t->out, texts, n, in_ms(WRITE_MS), NULL);
}

/* ---- keys */

struct asker {
	struct talk *talk;
	unsigned asked;
};

/* With the answers that are kept, since the parent waits for each in turn. */
static enum status write_question(
	struct talk *t, struct arena *a, struct str name)
{
	struct mono deadline = in_ms(WRITE_MS);
	struct str text;
	enum status st;

	struct sbuf b = sbuf_arena(a, DIGEST_HEAD_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	json_put_z(&w, "status", "key");
	json_put_str(&w, "name", name);
	json_close_object(&w);
	text = sbuf_str(&b);
	st = channel_put(&t->out, &text, 1, deadline, NULL);
	return st == ST_OK ? channel_flush(&t->out, deadline, NULL) : st;
}

/* The parent looks it up. */
static enum status ask_parent(
	struct talk *t, struct arena *a, struct str name, struct str *text)
{
	struct json *answer = NULL;
	struct str said;

	if (write_question(t, a, name) != ST_OK ||
		channel_next(&t->in, a, DIGEST_HEAD_MAX, in_ms(IDLE_MS), &said,
			NULL) != ST_OK ||
		json_parse(a, said, JSON_LIMITS_DEFAULT, &answer, NULL, NULL) !=
			ST_OK)
		return ST_TEMP;
	*text = json_get_str(answer, "text");
	if (text->p != NULL)
		return ST_OK;
	return str_eq(json_get_str(answer, "status"),
		       str_of(status_name(ST_NOTFOUND)))
		       ? ST_NOTFOUND
		       : ST_TEMP;
}

/* Whoever reports about many domains signs all of them with one key. */
static void keep_key(struct talk *t, const struct key *k)
{
	if (t->n_keys == KEYS_MAX || k->text.n > DKIM_KEY_BYTES_MAX)
		return;
	t->keys[t->n_keys++] = (struct key){ arena_str(t->arena, k->name),
		arena_str(t->arena, k->text), k->st };
}

/* A dkim_key_fn. */
static enum status find_key(
	void *ctx, struct arena *a, struct str name, struct str *text)
{
	struct asker *asker = ctx;
	struct talk *t = asker->talk;
	struct key k = { .name = name, .text = STR("") };

	for (size_t i = 0; i < t->n_keys; i++) {
		if (!str_eq(t->keys[i].name, name))
			continue;
		*text = t->keys[i].text;
		return t->keys[i].st;
	}
	if (asker->asked++ >= DIGEST_KEYS_MAX)
		return ST_TEMP;
	k.st = ask_parent(t, a, name, &k.text);
	keep_key(t, &k);
	*text = k.text;
	return k.st;
}

/*
 * Why a signature that holds says nothing about the reports of the mail; NULL:
 * it does. Servers sign bounces, which quote what strangers wrote.
 */
static const char *objection(
	const struct unpacked_reports *found, const struct dkim_signature *s)
{
	if (found->quoted)
		return "the report is in a mail that the signed one quotes";
	if (found->behind_text && !s->type_signed)
		return "Content-Type says where the report is, and is not "
		       "signed";
	return NULL;
}

/* A mail whose signatures cannot even be looked at has none that holds. */
static void check_signatures(struct talk *t, struct arena *a, int64_t received,
	const struct unpacked_reports *found, struct dkim_signatures *out)
{
	struct asker asker = { .talk = t };
	struct err e = {};

	if (found->mail.p == NULL)
		return;
	if (dkim_mail_check(a, found->mail, received, find_key, &asker, out,
		    &e) != ST_OK) {
		out->n = 1;
		out->items[0] =
			(struct dkim_signature){ .result = DKIM_RESULT_FAIL,
				.domain = STR(""),
				.reason = arena_str(a, str_of(e.text)) };
	}
	for (size_t i = 0; i < out->n; i++) {
		struct dkim_signature *s = &out->items[i];
		const char *why = objection(found, s);

		if (why == NULL || s->result == DKIM_RESULT_FAIL)
			continue;
		s->result = DKIM_RESULT_FAIL;
		s->reason = str_of(why);
	}
}

static enum status read_number(
	struct talk *t, int64_t min, int64_t max, int64_t *out)
{
	struct str text;
	enum status st = channel_next(
		&t->in, t->arena, DIGEST_HEAD_MAX, in_ms(IDLE_MS), &text, NULL);

	return st == ST_OK ? num_i64(text, min, max, out) : st;
}

static enum status read_batch(struct talk *t, struct request *out, int64_t *n)
{
	enum status st = read_number(t, 1, DIGEST_BATCH_REPORTS, n);

	for (int64_t i = 0; st == ST_OK && i < *n; i++) {
		st = read_number(t, 0, UTC_MAX, &out[i].received);
		if (st == ST_OK)
			st = channel_next(&t->in, t->arena,
				TLSRPT_RAW_BYTES_MAX, in_ms(IDLE_MS),
				&out[i].raw, NULL);
	}
	return st;
}

static enum status answer(struct talk *t, const struct request *r)
{
	struct arena *a = arena_must(ARENA_MAX);
	struct unpacked_reports found = {};
	struct dkim_signatures signs = {};
	struct err e = {};
	enum status st = unpack_reports(a, r->raw, &found, &e);

	if (st == ST_OK) {
		check_signatures(t, a, r->received, &found, &signs);
		st = write_answer(t, a, &found, &signs);
	} else {
		st = write_failure(t, a, st, &e);
	}
	arena_free(&a);
	return st;
}

int digest_child_main(int fd)
{
	static char ahead[READ_AHEAD], later[WRITE_LATER];
	struct talk t = { .in = channel_reader_of(fd, ahead, sizeof(ahead)),
		.out = channel_writer_of(fd, later, sizeof(later)) };
	struct request batch[DIGEST_BATCH_REPORTS];
	int64_t n = 0;
	enum status st;

	t.arena = arena_must(ARENA_MAX);
	st = channel_write(fd, STR(DIGEST_READY), in_ms(WRITE_MS), NULL);
	if (st == ST_OK)
		st = read_batch(&t, batch, &n);
	for (int64_t i = 0; st == ST_OK && i < n; i++)
		st = answer(&t, &batch[i]);
	if (st == ST_OK)
		st = channel_flush(&t.out, in_ms(WRITE_MS), NULL);
	arena_free(&t.arena);
	return st == ST_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
