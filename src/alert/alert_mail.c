/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_mail: Auto-Submitted (RFC 3834) keeps vacation programs quiet. All mail
 * about one alert refers to the same id, so that mail programs show it
 * together; each has an id of its own, as servers drop what they have seen
 * before.
 */
#include "alert/alert_mail.h"

#include "base/bug.h"
#include "base/clock.h"
#include "base/sbuf.h"
#include "proto/tlsrpt_meaning.h"

#include "base/poison.h"

#define MESSAGE_BYTES_MAX (64u * 1024)
#define WIDTH 76u /* of text lines, RFC 5322 section 2.1.1 */

/* RFC 5322 section 3.3. */
static void put_date(struct sbuf *b, int64_t now)
{
	static const char *const days[] = { "Thu", "Fri", "Sat", "Sun", "Mon",
		"Tue", "Wed" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct utc_date d = utc_date_of((struct unix_time){ now });

	sbuf_fmt(b, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n",
		days[now / UTC_DAY_S % 7], d.day, months[d.month - 1], d.year,
		d.hour, d.minute, d.second);
}

static void put_id(struct sbuf *b, const char *header, const char *kind,
	struct str id, struct str from)
{
	struct str domain = str_from(from, (size_t)str_index(from, '@') + 1);

	sbuf_fmt(b, "%s: <%.*s.%s@%.*s>\r\n", header, STR_ARG(id), kind,
		STR_ARG(domain));
}

/* What stands in a header or a line: printable ASCII only. */
static void put_tame(struct sbuf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		sbuf_addc(b, s.p[i] >= ' ' && s.p[i] <= '~' ? s.p[i] : '?');
}

static void put_subject(struct sbuf *b, const struct store_notice *n,
	const struct store_alert *al)
{
	sbuf_addz(b, "Subject: [moat] ");
	if (al == NULL) {
		sbuf_addz(b, "a trial message\r\n");
		return;
	}
	if (al->domain.n > 0) {
		put_tame(b, str_upto(al->domain, 255));
		sbuf_addz(b, ": ");
	}
	sbuf_addz(b, store_alert_kind_name(al->kind));
	if (al->item.n > 0) {
		sbuf_addc(b, ' ');
		put_tame(b, str_upto(al->item, 100));
	}
	put_tame(b, STR(" "));
	put_tame(b, n->event);
	sbuf_addz(b, "\r\n");
}

static void put_addresses(
	struct sbuf *b, const struct alert_mail *m, int64_t now)
{
	put_date(b, now);
	sbuf_fmt(b, "From: moat <%.*s>\r\nTo: ", STR_ARG(m->from));
	for (size_t i = 0; i < m->n_to; i++)
		sbuf_fmt(b, "%s%.*s", i > 0 ? ",\r\n " : "", STR_ARG(m->to[i]));
	sbuf_addz(b, "\r\n");
}

static void end_header(struct sbuf *b)
{
	sbuf_addz(b, "Auto-Submitted: auto-generated\r\n"
		     "MIME-Version: 1.0\r\n"
		     "Content-Type: text/plain; charset=us-ascii\r\n"
		     "Content-Transfer-Encoding: 7bit\r\n\r\n");
}

static void put_header(struct sbuf *b, const struct alert_mail *m,
	const struct store_notice *n, const struct store_alert *al, int64_t now)
{
	put_addresses(b, m, now);
	put_subject(b, n, al);
	put_id(b, "Message-ID", "notice", n->id, m->from);
	if (al != NULL)
		put_id(b, "References", "alert", al->id, m->from);
	end_header(b);
}

/* Words in lines; a word longer than a line is cut. */
static void put_text(struct sbuf *b, struct str text)
{
	size_t column = 0;

	while (text.n > 0) {
		struct str rest = text, word = str_cut(&rest, ' ');

		if (word.n > WIDTH) {
			word = str_upto(text, WIDTH);
			rest = str_from(text, WIDTH);
		}
		if (column > 0 && column + 1 + word.n > WIDTH) {
			sbuf_addz(b, "\r\n");
			column = 0;
		}
		if (column > 0)
			sbuf_addc(b, ' ');
		put_tame(b, word);
		column += word.n + (column > 0);
		text = rest;
	}
	sbuf_addz(b, "\r\n");
}

static void put_time(struct sbuf *b, const char *what, int64_t t)
{
	sbuf_addz(b, what);
	utc_write(b, (struct unix_time){ t });
	sbuf_addz(b, "\r\n");
}

/* What the result type means, in the words that all of moat uses. */
static void put_meaning(struct sbuf *b, const struct store_alert *al)
{
	enum tlsrpt_result result = tlsrpt_result_of(al->item);
	const struct tlsrpt_meaning *m;

	if (result == TLSRPT_RESULT_OTHER)
		return;
	m = tlsrpt_meaning_of(result);
	put_text(b, str_of(m->what));
	if (al->state != STORE_ALERT_CLOSED)
		put_text(b, str_of(m->todo));
	sbuf_addz(b, "\r\n");
}

static void put_alert(struct sbuf *b, const struct store_alert *al)
{
	put_text(b, al->what);
	sbuf_addz(b, "\r\n");
	put_meaning(b, al);
	if (al->kind == STORE_ALERT_UNPROVEN)
		put_text(b, STR("Anybody may have sent these reports. Nothing "
				"proves where they come from."));
	if (al->domain.n > 0) {
		sbuf_addz(b, "Domain: ");
		put_tame(b, al->domain);
		sbuf_addz(b, "\r\n");
	}
	put_time(b, "Opened: ", al->opened);
	if (al->state == STORE_ALERT_CLOSED)
		put_time(b, "Closed by itself: ", al->closed);
	sbuf_fmt(b, "Alert: %.*s\r\n\r\n", STR_ARG(al->id));
	sbuf_fmt(b, "More of it:    moat alert show %.*s\r\n", STR_ARG(al->id));
	if (al->state == STORE_ALERT_OPEN)
		sbuf_fmt(b, "You know now:  moat alert ack %.*s\r\n",
			STR_ARG(al->id));
}

struct str alert_mail_write(struct arena *a, const struct alert_mail *m,
	const struct store_notice *n, const struct store_alert *al, int64_t now)
{
	struct sbuf b = sbuf_arena(a, MESSAGE_BYTES_MAX);

	put_header(&b, m, n, al, now);
	if (al == NULL)
		put_text(&b, STR("This is a trial message of moat alert test. "
				 "Alerts will come here."));
	else
		put_alert(&b, al);
	BUG(!sbuf_ok(&b));
	return sbuf_str(&b);
}

struct str alert_mail_digest(struct arena *a, const struct alert_mail *m,
	const struct store_notice *n, const struct tlsrpt_digest *d,
	int64_t now)
{
	struct sbuf b = sbuf_arena(a, MESSAGE_BYTES_MAX);
	struct sbuf text = sbuf_arena(a, MESSAGE_BYTES_MAX);
	struct str rest;

	put_addresses(&b, m, now);
	sbuf_addz(&b, "Subject: [moat] ");
	tlsrpt_digest_subject(&b, d);
	sbuf_addz(&b, "\r\n");
	put_id(&b, "Message-ID", "notice", n->id, m->from);
	end_header(&b);
	tlsrpt_digest_text(&text, d);
	BUG(!sbuf_ok(&text));
	for (rest = sbuf_str(&text); rest.n > 0;) {
		put_tame(&b, str_cut(&rest, '\n'));
		sbuf_addz(&b, "\r\n");
	}
	BUG(!sbuf_ok(&b));
	return sbuf_str(&b);
}
