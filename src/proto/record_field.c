/* SPDX-License-Identifier: Apache-2.0 */
/* record_field: "v=NAME; key=value" records, RFC 8461 3.1 and RFC 8460 3. */
#include "proto/record_field.h"

#include "base/poison.h"

#define NAME_BYTES_MAX 32u

static bool is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

bool record_begins(struct str text, struct str version, struct str *rest)
{
	struct str s;

	if (!str_starts(text, version))
		return false;
	s = str_from(text, version.n);
	while (s.n > 0 && is_wsp(s.p[0]))
		s = str_from(s, 1);
	if (s.n == 0 || s.p[0] != ';')
		return false;
	*rest = str_from(s, 1);
	return true;
}

bool record_name_valid(struct str s)
{
	if (s.n == 0 || s.n > NAME_BYTES_MAX || !chr_is_alnum(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!chr_is_alnum(s.p[i]) && s.p[i] != '_' && s.p[i] != '-' &&
			s.p[i] != '.')
			return false;
	return true;
}

bool record_value_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '=' ||
			s.p[i] == ';')
			return false;
	return s.n > 0;
}

bool record_field_next(struct str *rest, struct record_field *out)
{
	struct str part, eq;
	bool last, end_space;

	if (rest->p == NULL)
		return false;
	part = str_cut(rest, ';');
	last = rest->p == NULL;
	end_space = last && part.n > 0 && is_wsp(part.p[part.n - 1]);
	*out = (struct record_field){ .text = str_trim(part) };
	if (out->text.n == 0) {
		out->fault = RECORD_FIELD_EMPTY;
		return !last;
	}
	eq = out->text;
	out->name = str_cut(&eq, '=');
	out->value = eq;
	if (eq.p == NULL)
		out->fault = RECORD_FIELD_NO_EQUALS;
	else if (!record_name_valid(out->name))
		out->fault = RECORD_FIELD_BAD_NAME;
	else if (end_space)
		out->fault = RECORD_FIELD_END_SPACE;
	return true;
}

const char *record_fault_text(enum record_field_fault f)
{
	switch (f) {
	case RECORD_FIELD_GOOD:
		return "is well formed";
	case RECORD_FIELD_EMPTY:
		return "is empty (two semicolons in a row)";
	case RECORD_FIELD_NO_EQUALS:
		return "has no \"=\"";
	case RECORD_FIELD_BAD_NAME:
		return "has a name that is not 1 to 32 letters, digits, "
		       "\"_\", \"-\" or \".\"";
	case RECORD_FIELD_END_SPACE:
		return "is followed by white space without a semicolon";
	}
	return "?";
}
