/* SPDX-License-Identifier: Apache-2.0 */
/* lmtp_path: character by character. */
#include <string.h>

#include "base/utf8.h"
#include "proto/lmtp_path.h"

#include "base/poison.h"

/* Of a character beyond ASCII, as RFC 6531 section 3.3 allows them. */
static bool is_utf8(char c)
{
	return (unsigned char)c >= 0x80;
}

static bool is_local_char(char c)
{
	return is_utf8(c) ||
	       (c > ' ' && c < 0x7f && strchr("<>()[]\\,;:\"@", c) == NULL);
}

static bool is_domain_char(char c)
{
	return is_utf8(c) || chr_is_alnum(c) || strchr("-._[]:", c) != NULL;
}

/* "@a,@b:" before a mailbox (RFC 5321 appendix C): read over. */
static bool skip_route(struct str *s)
{
	ptrdiff_t colon;

	if (!str_starts(*s, STR("@")))
		return true;
	colon = str_index(*s, ':');
	if (colon < 0)
		return false;
	for (ptrdiff_t i = 0; i < colon; i++)
		if (s->p[i] != '@' && s->p[i] != ',' &&
			!is_domain_char(s->p[i]))
			return false;
	*s = str_from(*s, (size_t)colon + 1);
	return true;
}

static bool add_local(struct lmtp_path *out, char c)
{
	if (out->n_local == sizeof(out->local))
		return false;
	out->local[out->n_local++] = c;
	return true;
}

static bool take_quoted(struct str *s, struct lmtp_path *out)
{
	size_t i = 1;

	for (; i < s->n && s->p[i] != '"'; i++) {
		if (s->p[i] == '\\' && i + 1 < s->n)
			i++;
		if ((unsigned char)s->p[i] < ' ' || s->p[i] == 0x7f ||
			!add_local(out, s->p[i]))
			return false;
	}
	if (i >= s->n)
		return false;
	*s = str_from(*s, i + 1);
	return true;
}

static bool take_local(struct str *s, struct lmtp_path *out)
{
	if (str_starts(*s, STR("\"")))
		return take_quoted(s, out);
	while (s->n > 0 && is_local_char(s->p[0])) {
		if (!add_local(out, s->p[0]))
			return false;
		*s = str_from(*s, 1);
	}
	return out->n_local > 0;
}

static bool take_domain(struct str *s, struct lmtp_path *out)
{
	if (!str_starts(*s, STR("@")))
		return true;
	*s = str_from(*s, 1);
	while (s->n > 0 && is_domain_char(s->p[0])) {
		if (out->n_domain == sizeof(out->domain))
			return false;
		out->domain[out->n_domain++] = s->p[0];
		*s = str_from(*s, 1);
	}
	return out->n_domain > 0;
}

/* Is it UTF-8? *beyond becomes true if it is more than ASCII. */
static bool is_text(struct str s, bool *beyond)
{
	uint32_t cp;
	size_t n;

	for (; s.n > 0; s = str_from(s, n)) {
		n = utf8_read(s, &cp);
		if (n == 0)
			return false;
		*beyond |= n > 1;
	}
	return true;
}

bool lmtp_path_take(struct str *s, struct lmtp_path *out)
{
	struct lmtp_path p = {};

	*s = str_trim(*s);
	if (!str_starts(*s, STR("<")))
		return false;
	*s = str_from(*s, 1);
	if (!str_starts(*s, STR(">")) &&
		!(skip_route(s) && take_local(s, &p) && take_domain(s, &p)))
		return false;
	if (!str_starts(*s, STR(">")))
		return false;
	*s = str_from(*s, 1);
	if (!is_text((struct str){ p.local, p.n_local }, &p.utf8) ||
		!is_text((struct str){ p.domain, p.n_domain }, &p.utf8))
		return false;
	*out = p;
	return s->n == 0 || s->p[0] == ' ';
}
