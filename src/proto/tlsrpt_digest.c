/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlsrpt_digest: one function per chapter. What is well takes one line; who
 * reads this is woken by nothing and has no time.
 */
#include "proto/tlsrpt_digest.h"

#include "base/clock.h"
#include "proto/tlsrpt_meaning.h"

#include "base/poison.h"

#define MONDAY 3   /* 1970-01-01 was a Thursday */
#define WIDTH 76u  /* RFC 5322 section 2.1.1 */
#define SHOWN 300u /* bytes of a stranger's text, before escaping */
#define PARAGRAPH_CAP 8192u

/* A paragraph is put together first, then broken into lines. */
struct paragraph {
	char bytes[PARAGRAPH_CAP];
	struct sbuf b;
};

static void begin(struct paragraph *p)
{
	p->b = sbuf_fixed(p->bytes, sizeof(p->bytes));
}

static void add_tame(struct paragraph *p, struct str s)
{
	sbuf_escaped(&p->b, str_upto(s, SHOWN));
}

/* Words in lines, the first behind lead, the others as far in. */
static void put_lines(struct sbuf *b, const char *lead, struct str text)
{
	size_t indent = str_of(lead).n, column = indent;
	bool first = true;

	sbuf_addz(b, lead);
	while (text.n > 0) {
		struct str rest = text, word = str_cut(&rest, ' ');

		if (word.n > WIDTH - indent) {
			word = str_upto(text, WIDTH - indent);
			rest = str_from(text, WIDTH - indent);
		}
		if (!first && column + 1 + word.n > WIDTH) {
			sbuf_fmt(b, "\n%*s", (int)indent, "");
			column = indent;
			first = true;
		}
		sbuf_addz(b, first ? "" : " ");
		sbuf_add(b, word);
		column += word.n + !first;
		first = false;
		text = rest;
	}
	sbuf_addc(b, '\n');
}

/* What did not fit into the paragraph is missing, not an error. */
static void end(struct paragraph *p, struct sbuf *b, const char *lead)
{
	put_lines(b, lead, sbuf_str(&p->b));
}

static void put_z(struct sbuf *b, const char *lead, const char *text)
{
	put_lines(b, lead, str_of(text));
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

static void add_day(struct sbuf *b, int64_t t)
{
	struct utc_date d = utc_date_of((struct unix_time){ t });

	sbuf_fmt(b, "%04d-%02d-%02d", d.year, d.month, d.day);
}

struct counts {
	int64_t begun, lasting, over;
};

static struct counts count_alerts(const struct tlsrpt_digest *d)
{
	struct counts c = {};

	for (size_t i = 0; i < d->n_alerts; i++) {
		c.over += d->alerts[i].is_over;
		c.begun += !d->alerts[i].is_over && d->alerts[i].is_new;
		c.lasting += !d->alerts[i].is_over && !d->alerts[i].is_new;
	}
	return c;
}

int64_t tlsrpt_digest_first(bool weekly, int64_t day)
{
	return weekly ? day - (day + MONDAY) % 7 : day;
}

bool tlsrpt_digest_is_empty(const struct tlsrpt_digest *d)
{
	return d->sums.reports == 0 && d->unproven.reports == 0 &&
	       d->quarantined == 0 && d->ignored == 0 && d->unreadable == 0 &&
	       d->n_alerts == 0 && d->n_domains == 0;
}

void tlsrpt_digest_subject(struct sbuf *b, const struct tlsrpt_digest *d)
{
	struct counts c = count_alerts(d);
	int64_t open = c.begun + c.lasting;

	sbuf_addz(b, d->weekly ? "weekly digest " : "daily digest ");
	add_day(b, d->from);
	sbuf_addz(b, ": ");
	if (open > 0)
		sbuf_fmt(b, "%lld alert%s open", (long long)open, plural(open));
	else if (d->n_domains > 0)
		sbuf_fmt(b, "%s need%s a look",
			d->n_domains > 1 ? "domains" : "a domain",
			d->n_domains > 1 ? "" : "s");
	else if (d->sums.failed > 0)
		sbuf_fmt(b, "%lld session%s failed", (long long)d->sums.failed,
			plural(d->sums.failed));
	else
		sbuf_addz(b,
			d->sums.reports > 0 ? "all went well" : "no reports");
}

/* "0.1 %"; what is not nothing is never shown as nothing. */
static void add_share(struct sbuf *b, const struct tlsrpt_digest_sums *s)
{
	int64_t all = s->ok + s->failed;
	int64_t tenths = all == 0		  ? 0
			 : all > INT64_MAX / 1000 ? s->failed / (all / 1000)
						  : s->failed * 1000 / all;

	if (s->failed > 0 && tenths == 0)
		sbuf_addz(b, "less than 0.1 %");
	else
		sbuf_fmt(b, "%lld.%lld %%", (long long)(tenths / 10),
			(long long)(tenths % 10));
}

static void add_sums(struct sbuf *b, const struct tlsrpt_digest_sums *s)
{
	sbuf_fmt(b, "%lld report%s: %lld session%s went well, %lld failed (",
		(long long)s->reports, plural(s->reports), (long long)s->ok,
		plural(s->ok), (long long)s->failed);
	add_share(b, s);
	sbuf_addz(b, ")");
}

static void put_sessions(struct sbuf *b, const struct tlsrpt_digest *d)
{
	struct paragraph p;

	sbuf_addz(b, "SESSIONS\n");
	begin(&p);
	add_sums(&p.b, &d->sums);
	end(&p, b, "");
	begin(&p);
	sbuf_addz(&p.b, d->weekly ? "The week before: " : "The day before: ");
	add_sums(&p.b, &d->sums_before);
	end(&p, b, "");
	if (d->unproven.reports == 0)
		return;
	begin(&p);
	sbuf_addz(&p.b, "Apart from that, what nothing proves and anybody may "
			"have made up: ");
	add_sums(&p.b, &d->unproven);
	end(&p, b, "");
}

static void put_meaning(struct sbuf *b, struct str result_type)
{
	enum tlsrpt_result result = tlsrpt_result_of(result_type);
	const struct tlsrpt_meaning *m = tlsrpt_meaning_of(result);

	if (result == TLSRPT_RESULT_OTHER)
		return;
	put_z(b, "  ", m->what);
	put_z(b, "  ", m->todo);
}

static void put_alert(
	struct sbuf *b, const struct tlsrpt_digest_alert *al, bool explain)
{
	struct paragraph p;

	begin(&p);
	if (al->domain.n > 0) {
		add_tame(&p, al->domain);
		sbuf_addz(&p.b, ": ");
	}
	/* It was escaped when it was written. */
	for (size_t i = 0; i < al->what.n && i < SHOWN; i++)
		sbuf_addc(&p.b, al->what.p[i] >= ' ' && al->what.p[i] <= '~'
					? al->what.p[i]
					: '?');
	if (al->is_known && !al->is_over)
		sbuf_addz(&p.b, " (acknowledged)");
	end(&p, b, "* ");
	if (!explain)
		return;
	put_meaning(b, al->item);
	begin(&p);
	sbuf_addz(&p.b, "moat alert show ");
	add_tame(&p, al->id);
	end(&p, b, "  ");
}

enum chapter { BEGUN, LASTING, OVER };

static bool belongs(const struct tlsrpt_digest_alert *al, enum chapter c)
{
	if (al->is_over)
		return c == OVER;
	return c == (al->is_new ? BEGUN : LASTING);
}

static void put_others(struct sbuf *b, size_t n, const char *command)
{
	if (n > TLSRPT_DIGEST_ROWS_MAX)
		sbuf_fmt(b, "  and others: %s\n", command);
}

static void put_alerts(struct sbuf *b, const struct tlsrpt_digest *d,
	enum chapter c, const char *title)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_alerts; i++) {
		if (!belongs(&d->alerts[i], c))
			continue;
		if (n++ == 0)
			sbuf_fmt(b, "\n%s\n", title);
		if (n <= TLSRPT_DIGEST_ROWS_MAX)
			put_alert(b, &d->alerts[i], c != OVER);
	}
	put_others(b, n, "moat alert list");
}

/* What failed without being explained above stands with its meaning. */
static bool is_explained(const struct tlsrpt_digest *d, struct str result_type)
{
	for (size_t i = 0; i < d->n_alerts; i++)
		if (!d->alerts[i].is_over &&
			str_eq(d->alerts[i].item, result_type))
			return true;
	return false;
}

static void put_failures(struct sbuf *b, const struct tlsrpt_digest *d)
{
	if (d->n_failures > 0)
		sbuf_addz(b, "\nWHAT FAILED\n");
	for (size_t i = 0; i < d->n_failures && i < TLSRPT_DIGEST_ROWS_MAX;
		i++) {
		const struct tlsrpt_digest_failure *f = &d->failures[i];
		struct paragraph p;

		begin(&p);
		add_tame(&p, f->domain);
		sbuf_addz(&p.b, ": ");
		add_tame(&p, f->result_type);
		sbuf_fmt(&p.b, ", %lld session%s, told by %lld reporter%s",
			(long long)f->failed, plural(f->failed),
			(long long)f->reporters, plural(f->reporters));
		if (f->before == 0)
			sbuf_addz(&p.b, ", new");
		else
			sbuf_fmt(&p.b, ", %lld before", (long long)f->before);
		end(&p, b, "* ");
		if (!is_explained(d, f->result_type))
			put_meaning(b, f->result_type);
	}
	put_others(b, d->n_failures, "moat report by result");
}

static void put_reporters(struct sbuf *b, const struct tlsrpt_digest *d)
{
	if (d->n_reporters > 0)
		sbuf_addz(b, "\nWHO REPORTS\n");
	for (size_t i = 0; i < d->n_reporters && i < TLSRPT_DIGEST_ROWS_MAX;
		i++) {
		const struct tlsrpt_digest_reporter *r = &d->reporters[i];
		struct paragraph p;

		begin(&p);
		add_tame(&p, r->name);
		sbuf_fmt(&p.b, ", %lld report%s%s", (long long)r->reports,
			plural(r->reports),
			r->before == 0 ? ", for the first time in a month"
				       : "");
		end(&p, b, "* ");
	}
	put_others(b, d->n_reporters, "moat report by reporter");
}

static void put_domains(struct sbuf *b, const struct tlsrpt_digest *d)
{
	if (d->n_domains > 0)
		sbuf_addz(b, "\nDOMAINS THAT NEED A LOOK\n");
	for (size_t i = 0; i < d->n_domains && i < TLSRPT_DIGEST_ROWS_MAX;
		i++) {
		struct paragraph p;

		begin(&p);
		add_tame(&p, d->domains[i].name);
		sbuf_addz(&p.b, ": ");
		add_tame(&p, d->domains[i].attention);
		end(&p, b, "* ");
	}
	put_others(b, d->n_domains, "moat domain list");
}

static void put_aside(struct sbuf *b, const struct tlsrpt_digest *d)
{
	const struct {
		int64_t n;
		const char *what;
	} rows[] = {
		{ d->unreadable, "could not be read: moat report unreadable" },
		{ d->quarantined, "in quarantine, counted nowhere: moat report "
				  "list --state quarantined" },
		{ d->ignored, "ignored, as moat report rule says" },
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct paragraph p;

		if (rows[i].n == 0)
			continue;
		if (n++ == 0)
			sbuf_addz(b, "\nSET ASIDE\n");
		begin(&p);
		sbuf_fmt(&p.b, "%lld report%s %s", (long long)rows[i].n,
			plural(rows[i].n), rows[i].what);
		end(&p, b, "* ");
	}
}

void tlsrpt_digest_text(struct sbuf *b, const struct tlsrpt_digest *d)
{
	struct paragraph p;

	begin(&p);
	sbuf_addz(&p.b, "What came in about your domains ");
	sbuf_addz(&p.b, d->weekly ? "from " : "on ");
	add_day(&p.b, d->from);
	if (d->weekly) {
		sbuf_addz(&p.b, " to ");
		add_day(&p.b, d->to - 1);
	}
	sbuf_addz(&p.b, ", in UTC.");
	end(&p, b, "");
	sbuf_addc(b, '\n');
	put_sessions(b, d);
	put_alerts(b, d, BEGUN, "WHAT BROKE");
	put_alerts(b, d, LASTING, "STILL OPEN");
	put_alerts(b, d, OVER, "OVER");
	put_failures(b, d);
	put_domains(b, d);
	put_reporters(b, d);
	put_aside(b, d);
	sbuf_addz(b, "\nMore of it: moat report summary\n");
}
