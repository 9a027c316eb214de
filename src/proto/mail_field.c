/* SPDX-License-Identifier: Apache-2.0 */
/* mail_field: lines, then bytes around an "@". */
#include <string.h>

#include "proto/mail_field.h"

#include "base/poison.h"

/* The next line without its end; *rest moves behind it. */
static struct str take_line(struct str *rest)
{
	struct str line = str_cut(rest, '\n');

	if (str_ends(line, STR("\r")))
		line.n--;
	return line;
}

static bool is_folded(struct str rest)
{
	return rest.n > 0 && (rest.p[0] == ' ' || rest.p[0] == '\t');
}

bool mail_field_next(struct str *mail, struct mail_field *out)
{
	while (mail->n > 0) {
		struct str line = take_line(mail), more;
		ptrdiff_t colon = str_index(line, ':');

		if (line.n == 0)
			break; /* the body comes */
		while (is_folded(*mail)) {
			more = take_line(mail);
			line.n = (size_t)(more.p + more.n - line.p);
		}
		if (colon <= 0)
			continue;
		out->name = str_trim(str_upto(line, (size_t)colon));
		out->value = str_from(line, (size_t)colon + 1);
		return true;
	}
	*mail = (struct str){};
	return false;
}

bool mail_field_find(struct str *mail, const char *name, struct str *value)
{
	struct mail_field f;

	while (mail_field_next(mail, &f)) {
		if (!str_eq_nocase(f.name, str_of(name)))
			continue;
		*value = f.value;
		return true;
	}
	return false;
}

/* Of a local part or a domain that needs no quotes (RFC 5322 section 3.2.3). */
static bool is_atom(char c)
{
	return chr_is_alnum(c) ||
	       (c != '\0' && strchr(".!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* The atoms around the "@" at that place. */
static struct str before(struct str s, size_t at)
{
	size_t from = at;

	while (from > 0 && is_atom(s.p[from - 1]))
		from--;
	return str_upto(str_from(s, from), at - from);
}

static struct str behind(struct str s, size_t at)
{
	size_t to = at + 1;

	while (to < s.n && is_atom(s.p[to]))
		to++;
	return str_upto(str_from(s, at + 1), to - at - 1);
}

bool mail_field_local(struct str *value, struct str host, struct str *local)
{
	ptrdiff_t at;

	while ((at = str_index(*value, '@')) >= 0) {
		struct str domain = behind(*value, (size_t)at);

		*local = before(*value, (size_t)at);
		*value = str_from(*value, (size_t)at + 1);
		if (local->n > 0 && str_eq_nocase(domain, host))
			return true;
	}
	return false;
}

struct str mail_field_address(struct str value)
{
	ptrdiff_t at = str_index(value, '@');
	struct str local, domain;

	if (at < 0)
		return (struct str){};
	local = before(value, (size_t)at);
	domain = behind(value, (size_t)at);
	if (local.n == 0 || domain.n == 0)
		return (struct str){};
	return (struct str){ local.p, local.n + 1 + domain.n };
}
