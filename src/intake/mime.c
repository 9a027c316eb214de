/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mime: GMime behind a small door.
 *
 * Header fields are read raw: decoding foreign charsets would load converters
 * from disk, which the sandbox forbids, and what is wanted here is ASCII.
 */
#include <string.h>

#include <gmime/gmime.h>

#include "base/vec.h"
#include "intake/mime.h"
#include "proto/mail_field.h"
#include "proto/tlsrpt_text.h"

#include "base/poison.h"

struct finder {
	struct arena *arena;
	struct mime_mail *mail;
	unsigned parts;
	struct str file_domain; /* by a file name of section 5.1 */
	struct mime_parts maybe;
	/* The innermost mail around what is looked at, and around all parts
	 * found so far; NULL: the mail itself. */
	GMimeMessage *around, *around_all;
	bool apart; /* there is no one mail around all of them */
	enum status st;
	struct err *err;
};

static void fail(struct finder *f, const char *what)
{
	if (f->st == ST_OK)
		f->st = err_set(f->err, ST_LIMIT, "the mail %s", what);
}

static const char *const charsets[] = { "iso-8859-1", "iso-8859-15",
	"windows-1252", "us-ascii", "utf-16" };
#define CHARSETS (sizeof(charsets) / sizeof(charsets[0]))

void mime_prepare(void)
{
	/* glibc keeps a converter loaded while it is open. */
	static iconv_t open_converters[CHARSETS];

	g_mime_init();
	for (size_t i = 0; i < CHARSETS; i++)
		if (open_converters[i] == NULL)
			open_converters[i] = g_mime_iconv_open(
				"utf-8", charsets[i]);
}

bool mime_looks_like(struct str s)
{
	ptrdiff_t colon;

	if (str_starts(s, STR("From ")))
		return true;
	colon = str_index(str_upto(s, 100), ':');
	for (ptrdiff_t i = 0; i < colon; i++)
		if (!chr_is_alnum(s.p[i]) && s.p[i] != '-')
			return false;
	return colon > 0;
}

static struct str copy(struct finder *f, struct str s)
{
	struct str out = arena_str(f->arena, str_upto(s, TLSRPT_TEXT_MAX));

	if (out.p == NULL)
		fail(f, "needs too much memory");
	return out;
}

/* Which parts are reports */

static bool ends(const char *name, const char *suffix)
{
	return name != NULL && str_ends_nocase(str_of(name), str_of(suffix));
}

/* RFC 8460 section 5.3; "application/tlsrpt" without suffix is seen as well. */
static bool type_is_tlsrpt(GMimeContentType *type)
{
	return type != NULL && (g_mime_content_type_is_type(
					type, "application", "tlsrpt+json") ||
				       g_mime_content_type_is_type(type,
					       "application", "tlsrpt+gzip") ||
				       g_mime_content_type_is_type(
					       type, "application", "tlsrpt"));
}

static bool is_sure(GMimePart *part, const char *name)
{
	return type_is_tlsrpt(
		       g_mime_object_get_content_type(GMIME_OBJECT(part))) ||
	       ends(name, ".json") || ends(name, ".json.gz");
}

/* What gateways and careless senders call a report. */
static bool may_be(struct str bytes)
{
	struct str s = bytes;

	if (str_starts(s, STR("\xef\xbb\xbf")))
		s = str_from(s, 3);
	while (s.n > 0 && strchr(" \t\r\n", s.p[0]) != NULL && s.p[0] != '\0')
		s = str_from(s, 1);
	return str_starts(s, STR("{")) || str_starts(s, STR("\x1f\x8b")) ||
	       str_starts(s, STR("PK\x03\x04"));
}

/* sender "!" policy-domain "!" begin "!" end ... (section 5.1) */
static void learn_from_name(struct finder *f, struct str name)
{
	struct str sender = str_cut(&name, '!'), domain = str_cut(&name, '!');

	if (f->file_domain.n == 0 && name.p != NULL &&
		tlsrpt_is_domain(sender) && tlsrpt_is_domain(domain))
		f->file_domain = copy(f, domain);
}

static struct str written(struct finder *f, GMimeStream *stream)
{
	GByteArray *bytes = g_mime_stream_mem_get_byte_array(
		GMIME_STREAM_MEM(stream));
	struct str out = arena_str(
		f->arena, (struct str){ (char *)bytes->data, bytes->len });

	if (out.p == NULL)
		fail(f, "needs too much memory");
	return out;
}

/*
 * As it came: header fields and contents are kept raw. Should it not be the
 * same to the byte, its signature fails.
 */
static struct str raw_of(struct finder *f, GMimeMessage *message)
{
	GMimeStream *stream = g_mime_stream_mem_new();
	struct str out = {};

	if (g_mime_object_write_to_stream(
		    GMIME_OBJECT(message), NULL, stream) >= 0)
		out = written(f, stream);
	g_object_unref(stream);
	return out;
}

/* The decoded content; no encoding of MIME makes it longer than the mail. */
static struct str content_of(struct finder *f, GMimePart *part)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *stream;
	struct str out = { "", 0 };

	if (content == NULL)
		return out;
	stream = g_mime_stream_mem_new();
	if (g_mime_data_wrapper_write_to_stream(content, stream) >= 0)
		out = written(f, stream);
	g_object_unref(stream);
	return out;
}

static void visit_part(struct finder *f, GMimePart *part)
{
	const char *name = g_mime_part_get_filename(part);
	char *type = g_mime_content_type_get_mime_type(
		g_mime_object_get_content_type(GMIME_OBJECT(part)));
	struct mime_part p = { .sure = is_sure(part, name) };

	p.bytes = content_of(f, part);
	p.name = copy(f, str_of(name != NULL ? name : type));
	g_free(type);
	if (name != NULL)
		learn_from_name(f, str_of(name));
	if (!p.sure && !may_be(p.bytes))
		return;
	if (f->mail->parts.n + f->maybe.n == 0)
		f->around_all = f->around;
	f->apart |= f->around != f->around_all;
	if (!(p.sure ? VEC_PUSH(f->arena, &f->mail->parts, p)
		     : VEC_PUSH(f->arena, &f->maybe, p)))
		fail(f, "needs too much memory");
}

static void visit(struct finder *f, GMimeObject *obj, unsigned depth);

static void visit_inner_mail(
	struct finder *f, GMimeMessagePart *part, unsigned depth)
{
	GMimeMessage *inner = g_mime_message_part_get_message(part);
	GMimeMessage *around = f->around;
	size_t before = f->mail->parts.n + f->maybe.n;

	f->around = inner;
	if (inner != NULL)
		visit(f, g_mime_message_get_mime_part(inner), depth + 1);
	f->around = around;
	f->mail->quoted |= f->mail->parts.n + f->maybe.n > before;
}

static void visit(struct finder *f, GMimeObject *obj, unsigned depth)
{

	if (obj == NULL || f->st != ST_OK)
		return;
	if (++f->parts > TLSRPT_MIME_PARTS_MAX)
		fail(f, "has too many parts");
	else if (depth > TLSRPT_MIME_DEPTH_MAX)
		fail(f, "is nested too deeply");
	else if (GMIME_IS_MULTIPART(obj))
		for (int i = 0;
			i < g_mime_multipart_get_count(GMIME_MULTIPART(obj));
			i++)
			visit(f,
				g_mime_multipart_get_part(
					GMIME_MULTIPART(obj), i),
				depth + 1);
	else if (GMIME_IS_MESSAGE_PART(obj))
		visit_inner_mail(f, GMIME_MESSAGE_PART(obj), depth);
	else if (GMIME_IS_PART(obj))
		visit_part(f, GMIME_PART(obj));
}

/*
 * Text that another Content-Type or encoding would pass over: before the first
 * boundary of a multipart, or before the "begin" of uuencode.
 */
static bool begins_with_text(GMimeObject *obj)
{
	GMimeContentEncoding encoding;

	if (GMIME_IS_MULTIPART(obj))
		return str_trim(str_of(g_mime_multipart_get_prologue(
					GMIME_MULTIPART(obj))))
			       .n > 0;
	if (!GMIME_IS_PART(obj))
		return false;
	encoding = g_mime_part_get_content_encoding(GMIME_PART(obj));
	return encoding == GMIME_CONTENT_ENCODING_UUENCODE;
}

/* Header fields */

/* The raw value, unfolded and trimmed; empty if there is none. */
static struct str field(struct finder *f, struct str mail, const char *name)
{
	struct str raw = STR("");
	size_t n = 0;
	char *p;

	(void)mail_field_find(&mail, name, &raw);
	p = arena_alloc(f->arena, raw.n);
	if (p == NULL) {
		fail(f, "needs too much memory");
		return (struct str){};
	}
	for (size_t i = 0; i < raw.n; i++)
		if (raw.p[i] != '\r' && raw.p[i] != '\n')
			p[n++] = raw.p[i];
	return str_trim((struct str){ p, n });
}

/* s if it can be a domain, else empty. */
static struct str domain_or_none(struct str s)
{
	return tlsrpt_is_domain(s) ? s : (struct str){};
}

/* "Report Domain: D Submitter: S ..." (section 5.3). */
static struct str domain_in_subject(struct str subject)
{
	struct str mark = STR("Report Domain:");
	struct str rest = subject;

	while (rest.n >= mark.n && !str_eq_nocase(str_upto(rest, mark.n), mark))
		rest = str_from(rest, 1);
	if (rest.n < mark.n)
		return (struct str){};
	rest = str_trim(str_from(rest, mark.n));
	return domain_or_none(str_cut(&rest, ' '));
}

/* The domain behind the last '@' of From. */
static struct str domain_in_from(struct str from)
{
	struct str domain = {};

	while (from.p != NULL) {
		(void)str_cut(&from, '@');
		if (from.p != NULL)
			domain = from;
	}
	for (size_t i = 0; i < domain.n; i++)
		if (!chr_is_alnum(domain.p[i]) && domain.p[i] != '-' &&
			domain.p[i] != '.')
			domain.n = i;
	return domain_or_none(domain);
}

static void find_hints(struct finder *f, struct str mail)
{
	struct tlsrpt_hints *h = &f->mail->hints;

	h->domain = domain_or_none(field(f, mail, "TLS-Report-Domain"));
	if (h->domain.n == 0)
		h->domain = f->file_domain;
	if (h->domain.n == 0)
		h->domain = domain_in_subject(field(f, mail, "Subject"));
	h->submitter = domain_or_none(field(f, mail, "TLS-Report-Submitter"));
	if (h->submitter.n == 0)
		h->submitter = domain_in_from(field(f, mail, "From"));
}

/* A header field: a name of RFC 5322 section 2.2 and a colon. */
static bool is_field(struct str line)
{
	size_t n = 0;

	while (n < line.n && (chr_is_alnum(line.p[n]) || line.p[n] == '-'))
		n++;
	return n > 0 && n < line.n && line.p[n] == ':';
}

static bool is_folded(struct str line)
{
	return line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t');
}

/* With its line end. */
static struct str take_line(struct str *rest)
{
	ptrdiff_t end = str_index(*rest, '\n');
	struct str line = str_upto(*rest, end < 0 ? rest->n : (size_t)end + 1);

	*rest = str_from(*rest, line.n);
	return line;
}

static bool is_content_field(struct str line)
{
	struct str start = STR("Content-");

	return str_eq_nocase(str_upto(line, start.n), start);
}

/*
 * The mail without fields that do not say how to read it: the parser makes
 * objects of each, which is half of its work. In doubt, the mail as it is.
 */
static struct str without_other_fields(struct arena *a, struct str mail)
{
	struct sbuf b = sbuf_fixed(arena_alloc(a, mail.n), mail.n);
	struct str rest = mail, line = {};
	unsigned fields = 0, kept = 0;
	bool keep = false;

	if (b.p == NULL)
		return mail;
	if (str_starts(mail, STR("From ")))
		sbuf_add(&b, take_line(&rest));
	while (rest.n > 0) {
		line = take_line(&rest);
		if (is_field(line)) {
			keep = is_content_field(line);
			fields++;
			kept += keep;
		} else if (!is_folded(line) || fields == 0) {
			break;
		}
		if (keep)
			sbuf_add(&b, line);
	}
	if (kept == 0 ||
		!(str_eq(line, STR("\n")) || str_eq(line, STR("\r\n"))))
		return mail;
	sbuf_add(&b, line);
	sbuf_add(&b, rest);
	return sbuf_str(&b);
}

static GMimeMessage *parse(struct str mail)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(mail.p, mail.n);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message;

	if (str_starts(mail, STR("From ")))
		g_mime_parser_set_format(parser, GMIME_FORMAT_MBOX);
	message = g_mime_parser_construct_message(parser, NULL);
	g_object_unref(parser);
	g_object_unref(stream);
	return message;
}

/*
 * Counts what may be fields and boundaries before the library makes objects of
 * each, some hundred times as large as they are.
 */
static enum status count_lines(struct str mail, struct err *e)
{
	unsigned fields = 0, boundaries = 0;

	while (mail.p != NULL) {
		struct str line = str_cut(&mail, '\n');

		fields += is_field(line);
		boundaries += str_starts(line, STR("--"));
	}
	if (fields > TLSRPT_MIME_FIELDS_MAX)
		return err_set(
			e, ST_LIMIT, "the mail has too many header fields");
	if (boundaries > TLSRPT_MIME_BOUNDARIES_MAX)
		return err_set(e, ST_LIMIT, "the mail has too many parts");
	return ST_OK;
}

enum status mime_read(
	struct arena *a, struct str mail, struct mime_mail *out, struct err *e)
{
	struct mime_mail found = {};
	struct finder f = { .arena = a, .mail = &found, .err = e };
	GMimeMessage *message;
	enum status st = count_lines(mail, e);

	if (st != ST_OK)
		return st;
	g_mime_init();
	message = parse(without_other_fields(a, mail));
	if (message == NULL)
		return err_set(e, ST_INVALID, "this is no mail (RFC 5322)");
	visit(&f, g_mime_message_get_mime_part(message), 0);
	found.behind_text = begins_with_text(
		g_mime_message_get_mime_part(message));
	find_hints(&f, mail);
	if (!f.apart && f.around_all != NULL)
		found.inner = raw_of(&f, f.around_all);
	g_object_unref(message);
	for (size_t i = 0; i < f.maybe.n; i++)
		if (!VEC_PUSH(a, &found.parts, f.maybe.items[i]))
			fail(&f, "needs too much memory");
	if (f.st != ST_OK)
		return f.st;
	if (found.parts.n == 0)
		return err_set(e, ST_INVALID,
			"the mail has no part with a TLS report "
			"(RFC 8460 section 5.3)");
	*out = found;
	return ST_OK;
}
