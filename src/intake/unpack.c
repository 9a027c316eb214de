/* SPDX-License-Identifier: Apache-2.0 */
/* unpack: by content, never by name. */
#include <string.h>

#include "base/bug.h"
#include "base/vec.h"
#include "intake/mime.h"
#include "intake/unpack.h"
#include "io/gzip.h"
#include "io/zip.h"

#include "base/poison.h"

/* gzip in gzip happens (a packed file sent with a packing client); a third
 * layer does not. */
#define LAYERS_MAX 2u

static const struct gzip_limits gzip_caps = {
	.max_bytes = TLSRPT_JSON_BYTES_MAX,
	.max_ratio = TLSRPT_GZIP_RATIO_MAX,
	.free_bytes = TLSRPT_GZIP_RATIO_FREE_BYTES,
};

static bool looks_like_json(struct str s)
{
	if (str_starts(s, STR("\xef\xbb\xbf")))
		s = str_from(s, 3);
	while (s.n > 0 && s.p[0] != '\0' && strchr(" \t\r\n", s.p[0]) != NULL)
		s = str_from(s, 1);
	return s.n > 0 && (s.p[0] == '{' || s.p[0] == '[');
}

/* Takes gzip layers off. */
static enum status peel(struct arena *a, struct str *s, struct err *e)
{
	enum status st = ST_OK;

	for (unsigned i = 0; i < LAYERS_MAX && gzip_looks_like(*s); i++) {
		st = gzip_unpack(a, *s, gzip_caps, s, e);
		if (st != ST_OK)
			return st;
	}
	return st;
}

static enum status add(struct arena *a, struct unpacked *out,
	struct unpacked_text text, struct err *e)
{
	if (out->n == TLSRPT_TEXTS_MAX)
		return err_set(e, ST_LIMIT, "the mail has too many reports");
	if (!VEC_PUSH(a, out, text))
		return err_set(e, ST_LIMIT, "no memory for the report");
	return ST_OK;
}

/* The files of an archive, each a report, packed or not. */
static enum status add_zip(struct arena *a, struct unpacked_text text,
	struct unpacked *out, struct err *e)
{
	struct zip_files files = {};
	enum status st = zip_unpack(a, text.json, gzip_caps, &files, e);

	for (size_t i = 0; st == ST_OK && i < files.n; i++) {
		text.json = files.items[i].bytes;
		st = peel(a, &text.json, e);
		/* What else is in it need not be a report. */
		if (st == ST_OK && (files.n == 1 || looks_like_json(text.json)))
			st = add(a, out, text, e);
	}
	return st;
}

/* One text, or those of an archive. */
static enum status add_bytes(struct arena *a, struct unpacked_text text,
	struct unpacked *out, struct err *e)
{
	enum status st = peel(a, &text.json, e);

	if (st == ST_OK && zip_looks_like(text.json))
		return add_zip(a, text, out, e);
	return st == ST_OK ? add(a, out, text, e) : st;
}

static enum status add_part(struct arena *a, const struct mime_part *part,
	struct unpacked *out, struct err *e)
{
	struct unpacked_text text = { part->name, part->bytes, part->sure };
	enum status st = add_bytes(a, text, out, e);
	char room[200];
	struct sbuf name = sbuf_fixed(room, sizeof(room) - 1);

	if (st == ST_OK)
		return ST_OK;
	sbuf_escaped(&name, str_upto(part->name, 100));
	err_prefix(e, "part %.*s", STR_ARG(sbuf_str(&name)));
	return st;
}

/*
 * The mail itself, or the one that was sent on in it: whoever sent it on need
 * not have signed anything, and the signature within speaks for the report.
 */
static enum status read_mail(
	struct arena *a, struct str *raw, struct mime_mail *out, struct err *e)
{
	struct mime_mail inner = {};
	enum status st = mime_read(a, *raw, out, e);

	if (st == ST_OK && out->inner.p != NULL &&
		mime_read(a, out->inner, &inner, NULL) == ST_OK &&
		inner.parts.n == out->parts.n) {
		*raw = out->inner;
		*out = inner;
	}
	return st;
}

static enum status unpack_mail(
	struct arena *a, struct str raw, struct unpacked *out, struct err *e)
{
	struct mime_mail mail = {};
	enum status st, part_st;

	if (raw.n > TLSRPT_RAW_BYTES_MAX)
		return err_set(e, ST_LIMIT, "the mail is longer than %u bytes",
			TLSRPT_RAW_BYTES_MAX);
	st = read_mail(a, &raw, &mail, e);
	if (st != ST_OK)
		return st;
	out->hints = mail.hints;
	out->mail = raw;
	out->quoted = mail.quoted;
	out->behind_text = mail.behind_text;
	for (size_t i = 0; i < mail.parts.n; i++) {
		part_st = add_part(a, &mail.parts.items[i], out, e);
		if (part_st == ST_LIMIT)
			return part_st;
		st = st == ST_OK ? part_st : st;
	}
	return out->n > 0 ? ST_OK : st;
}

enum status unpack(
	struct arena *a, struct str raw, struct unpacked *out, struct err *e)
{
	struct unpacked found = {};
	enum status st = peel(a, &raw, e);

	if (st != ST_OK)
		return st;
	if (looks_like_json(raw))
		st = add(a, &found,
			(struct unpacked_text){ .json = raw, .sure = true }, e);
	else if (zip_looks_like(raw))
		st = add_zip(a,
			(struct unpacked_text){ .json = raw, .sure = true },
			&found, e);
	else if (mime_looks_like(raw))
		st = unpack_mail(a, raw, &found, e);
	else
		st = err_set(e, ST_INVALID,
			"this is neither JSON nor gzip nor zip nor a mail "
			"(RFC 8460 section 5)");
	if (st == ST_OK)
		*out = found;
	return st;
}

/* Reads one text; a failure is only told in e if it is the first. */
static enum status read_text(struct arena *a, const struct unpacked *texts,
	size_t i, struct unpacked_reports *out, struct err *e)
{
	struct tlsrpt_report *report = NULL;
	enum status st = tlsrpt_report_read(
		a, texts->items[i].json, &texts->hints, &report, e);

	if (st == ST_OK && !VEC_PUSH(a, out, report))
		st = err_set(e, ST_LIMIT, "no memory for the report");
	return st;
}

enum status unpack_reports(struct arena *a, struct str raw,
	struct unpacked_reports *out, struct err *e)
{
	struct unpacked_reports found = {};
	struct unpacked texts = {};
	struct err first = {}, this = {};
	enum status st = unpack(a, raw, &texts, e), failed = ST_OK;

	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < texts.n; i++) {
		st = read_text(a, &texts, i, &found, &this);
		if (st != ST_OK && failed == ST_OK) {
			failed = st;
			first = this;
		}
	}
	if (found.n == 0) {
		if (e != NULL)
			*e = first;
		return failed;
	}
	found.mail = texts.mail;
	found.submitter = texts.hints.submitter;
	found.quoted = texts.quoted;
	found.behind_text = texts.behind_text;
	*out = found;
	return ST_OK;
}

void unpack_prepare(void)
{
	struct arena *a = arena_must(0);
	struct unpacked_reports found;

	mime_prepare();
	/* {"policies":[{"policy":{"policy-type":"sts",
	 * "policy-domain":"x.example"}}]} */
	BUG(unpack_reports(a,
		    STR("From: a@x.example\r\n"
			"Content-Type: multipart/report; boundary=b\r\n\r\n"
			"--b\r\nContent-Type: text/plain\r\n\r\n--b\r\n"
			"Content-Type: application/tlsrpt+gzip; name=a.gz\r\n"
			"Content-Transfer-Encoding: base64\r\n\r\n"
			"H4sIAAAAAAACA6tWKsjPyUzOTC1WsoquhnAqlaxgLN2SyoJUJSul4p"
			"JiJR2Y"
			"WEp+bmJmHlC0Qi+1IjG3ICdVqbY2thYAZx1GXEsAAAA=\r\n"
			"--b--\r\n"),
		    &found, NULL) != ST_OK);
	arena_free(&a);
}
