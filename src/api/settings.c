/* SPDX-License-Identifier: Apache-2.0 */
/* settings: types, ranges and look-up over the rows of settings_rows.c. */
#include <string.h>

#include "api/settings.h"
#include "base/bug.h"
#include "base/conf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/vec.h"
#include "io/addr.h"
#include "proto/ip_net.h"

#include "base/poison.h"

#define NAME_MAX_BYTES 253
#define ANY_NAME " NAME" /* how the section of a row ends that has many */

struct words {
	struct str *items;
	size_t n, cap;
};

struct value {
	struct str text; /* normalised, NUL-terminated */
	int64_t num;	 /* INT, TIME, SIZE, BOOL */
	struct words words;
	unsigned line; /* where the file set it; 0: it did not */
};

/* What one [profile NAME] of the file says. */
struct named {
	struct str section;   /* "profile customers" */
	struct value *values; /* one per row, used where the row is its */
};

struct settings {
	struct arena *arena;
	struct value *values; /* one per row; of [x NAME] the defaults */
	struct {
		struct named *items; /* in the order of the file */
		size_t n, cap;
	} named;
};

struct unit {
	const char *suffix;
	int64_t factor;
};

static const struct unit time_units[] = { { "s", 1 }, { "m", 60 },
	{ "h", 3600 }, { "d", 86400 }, {} };
static const struct unit size_units[] = { { "k", 1 << 10 }, { "m", 1 << 20 },
	{ "g", 1 << 30 }, {} };

static const char *const type_names[] = {
	[SETTING_STR] = "text",
	[SETTING_PATH] = "path",
	[SETTING_NAME] = "domain name",
	[SETTING_CHOICE] = "word",
	[SETTING_BOOL] = "yes or no",
	[SETTING_INT] = "number",
	[SETTING_TIME] = "time",
	[SETTING_SIZE] = "size",
	[SETTING_LIST] = "words",
	[SETTING_NAMES] = "domain names",
	[SETTING_IPS] = "IP addresses",
	[SETTING_ADDRS] = "addresses with ports",
	[SETTING_NETS] = "networks",
	[SETTING_STUBS] = "zones with name servers",
};

const char *setting_type_name(enum setting_type type)
{
	return type_names[type];
}

static bool is_list(enum setting_type type)
{
	return type == SETTING_LIST || type == SETTING_NAMES ||
	       type == SETTING_IPS || type == SETTING_ADDRS ||
	       type == SETTING_NETS || type == SETTING_STUBS;
}

static struct str must(struct str s)
{
	BUG(s.p == NULL); /* the arena has no cap */
	return s;
}

/* ---- values of each type; they return NULL or what would be right */

static const char *check_name(struct arena *a, struct str *s)
{
	struct str in = *s;
	char *p;

	if (str_ends(in, STR(".")))
		in.n--;
	if (in.n > NAME_MAX_BYTES)
		return "a domain name of at most 253 bytes";
	p = arena_alloc(a, in.n + 1);
	BUG(p == NULL);
	for (size_t i = 0; i < in.n; i++) {
		p[i] = chr_lower(in.p[i]);
		if (!chr_is_alnum(p[i]) && strchr("-_.", p[i]) == NULL)
			return "a domain name (letters, digits, - and dots)";
		if (p[i] == '.' && (i == 0 || p[i - 1] == '.'))
			return "a domain name without empty labels";
	}
	*s = (struct str){ p, in.n };
	return NULL;
}

static const char *check_choice(const char *range, struct str s)
{
	struct str rest = str_of(range);

	while (rest.p != NULL)
		if (str_eq(str_cut(&rest, '|'), s))
			return NULL;
	return range;
}

static const char *check_number(
	const char *range, const struct unit *units, struct str s, int64_t *out)
{
	struct str high = str_of(range);
	struct str low = str_cut(&high, '.');
	int64_t min, max, factor = 1, n;

	high = str_from(high, 1);
	BUG(num_i64(low, INT64_MIN, INT64_MAX, &min) != ST_OK);
	BUG(num_i64(high, min, INT64_MAX, &max) != ST_OK);
	for (; units != NULL && units->suffix != NULL; units++) {
		if (!str_ends_nocase(s, str_of(units->suffix)))
			continue;
		s.n--;
		factor = units->factor;
		break;
	}
	if (num_i64(s, INT64_MIN, INT64_MAX, &n) != ST_OK ||
		__builtin_mul_overflow(n, factor, &n) || n < min || n > max)
		return range;
	*out = n;
	return NULL;
}

static const char *check_bool(struct str s, int64_t *out)
{
	*out = str_eq(s, STR("yes"));
	return *out || str_eq(s, STR("no")) ? NULL : "yes or no";
}

static const char *check_stub(struct arena *a, struct str s)
{
	struct str zone = str_cut(&s, '=');
	struct addr addr;

	if (s.p == NULL || zone.n == 0 || check_name(a, &zone) != NULL ||
		addr_parse(s, 0, &addr) != ST_OK)
		return "ZONE=ADDRESS:PORT";
	return NULL;
}

static const char *check_word(
	struct arena *a, enum setting_type type, struct str *s)
{
	struct ip_net net;
	struct addr addr;

	if (type == SETTING_NAMES)
		return check_name(a, s);
	if (type == SETTING_IPS && addr_parse(*s, 1, &addr) != ST_OK)
		return "an IP address";
	if (type == SETTING_ADDRS && addr_parse(*s, 0, &addr) != ST_OK)
		return "ADDRESS:PORT or [ADDRESS]:PORT";
	if (type == SETTING_NETS && ip_net_parse(*s, &net) != ST_OK)
		return "a network, as 192.0.2.0/24";
	if (type == SETTING_STUBS)
		return check_stub(a, *s);
	return NULL;
}

static const char *check_list(
	struct arena *a, enum setting_type type, struct value *v)
{
	size_t i = 0, from;
	const char *want;
	struct str word;

	while (i < v->text.n) {
		from = i;
		while (i < v->text.n && strchr(", \t", v->text.p[i]) == NULL)
			i++;
		word = str_upto(str_from(v->text, from), i - from);
		i++;
		if (word.n == 0)
			continue;
		want = check_word(a, type, &word);
		if (want != NULL)
			return want;
		BUG(!VEC_PUSH(a, &v->words, must(arena_str(a, word))));
	}
	return NULL;
}

static const char *check(
	struct arena *a, const struct setting_row *row, struct value *v)
{
	switch (row->type) {
	case SETTING_STR:
		return NULL;
	case SETTING_PATH:
		return v->text.n == 0 || v->text.p[0] == '/'
			       ? NULL
			       : "an absolute path";
	case SETTING_NAME:
		return check_name(a, &v->text);
	case SETTING_CHOICE:
		return check_choice(row->range, v->text);
	case SETTING_BOOL:
		return check_bool(v->text, &v->num);
	case SETTING_INT:
		return check_number(row->range, NULL, v->text, &v->num);
	case SETTING_TIME:
		return check_number(row->range, time_units, v->text, &v->num);
	case SETTING_SIZE:
		return check_number(row->range, size_units, v->text, &v->num);
	case SETTING_LIST:
	case SETTING_NAMES:
	case SETTING_IPS:
	case SETTING_ADDRS:
	case SETTING_NETS:
	case SETTING_STUBS:
		return check_list(a, row->type, v);
	}
	BUG(true);
}

/* ---- the table */

/* "profile " for the section "profile NAME" of a row; else empty. */
static struct str kind_of(const char *section)
{
	struct str s = str_of(section);

	if (!str_ends(s, STR(ANY_NAME)))
		return (struct str){};
	return str_upto(s, s.n - sizeof(ANY_NAME) + 2);
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!chr_is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
			return false;
	return s.n > 0 && s.n <= SETTINGS_NAME_BYTES_MAX;
}

/* Is the section one that the row belongs to? */
static bool in_section(struct str section, const struct setting_row *row)
{
	struct str kind = kind_of(row->section);

	if (kind.n == 0)
		return str_eq(section, str_of(row->section));
	return str_starts(section, kind) && is_name(str_from(section, kind.n));
}

static bool find_row(struct str section, struct str key, size_t *at)
{
	for (size_t i = 0; setting_rows[i].section != NULL; i++) {
		if (!str_eq(key, str_of(setting_rows[i].key)) ||
			!in_section(section, &setting_rows[i]))
			continue;
		*at = i;
		return true;
	}
	return false;
}

/* The row by which a section is known, or NULL. */
static const struct setting_row *find_section(struct str section)
{
	for (const struct setting_row *r = setting_rows; r->section != NULL;
		r++)
		if (in_section(section, r))
			return r;
	return NULL;
}

static size_t count_rows(void)
{
	size_t n = 0;

	while (setting_rows[n].section != NULL)
		n++;
	return n;
}

static struct value *values_new(struct settings *s)
{
	struct value *v = arena_array(s->arena, count_rows(), sizeof(*v));

	BUG(v == NULL);
	return v;
}

/* The values of a section; NULL: nobody named it. */
static struct value *values_of(const struct settings *s, struct str section)
{
	const struct setting_row *row = find_section(section);

	if (row == NULL || kind_of(row->section).n == 0)
		return s->values;
	for (size_t i = 0; i < s->named.n; i++)
		if (str_eq(s->named.items[i].section, section))
			return s->named.items[i].values;
	return NULL;
}

/* As values_of; what nobody has named yet begins with the defaults. */
static struct value *values_make(struct settings *s, struct str section)
{
	struct value *v = values_of(s, section);
	struct named named;

	if (v != NULL)
		return v;
	named.section = must(arena_str(s->arena, section));
	named.values = values_new(s);
	memcpy(named.values, s->values, count_rows() * sizeof(*named.values));
	BUG(!VEC_PUSH(s->arena, &s->named, named));
	return named.values;
}

static enum status set_row(struct settings *s, struct str section, size_t i,
	struct str text, struct err *e)
{
	const struct setting_row *row = &setting_rows[i];
	struct value v = { .text = must(arena_str(s->arena, text)) };
	const char *want = check(s->arena, row, &v);

	if (want != NULL)
		return err_set(e, ST_INVALID,
			"%.*s.%s: \"%.*s\" is wrong, it takes %s%s",
			STR_ARG(section), row->key, STR_ARG(str_upto(text, 80)),
			want == row->range ? "one of " : "", want);
	values_make(s, section)[i] = v;
	return ST_OK;
}

struct settings *settings_new(void)
{
	struct settings *s = mem_must(sizeof(*s));
	const struct setting_row *row = setting_rows;

	s->arena = arena_must(0);
	s->values = values_new(s);
	for (size_t i = 0; row[i].section != NULL; i++) {
		struct value v = { .text = str_of(row[i].value) };

		BUG(check(s->arena, &row[i], &v) != NULL);
		s->values[i] = v;
	}
	return s;
}

void settings_free(struct settings **s)
{
	if (*s == NULL)
		return;
	arena_free(&(*s)->arena);
	mem_free(*s);
	*s = NULL;
}

/* The further lines of a list are added to what the first one said. */
static enum status apply(
	struct settings *s, const struct conf_row *row, struct err *e)
{
	struct str text = row->value;
	struct value *v;
	enum status st;
	size_t i;

	if (row->section.n == 0)
		return err_set(e, ST_INVALID, "%s stands before any [section]",
			row->key.p);
	if (find_section(row->section) == NULL)
		return err_set(e, ST_INVALID, "there is no section [%s]",
			row->section.p);
	if (!find_row(row->section, row->key, &i))
		return err_set(e, ST_INVALID, "[%s] has no setting %s",
			row->section.p, row->key.p);
	v = &values_make(s, row->section)[i];
	if (v->line != 0) {
		if (!is_list(setting_rows[i].type))
			return err_set(e, ST_INVALID,
				"%s.%s was already set in line %u",
				row->section.p, row->key.p, v->line);
		text = must(arena_fmt(s->arena, "%s %s", v->text.p, text.p));
	}
	st = set_row(s, row->section, i, text, e);
	v->line = row->line;
	return st;
}

enum status settings_load(
	const char *path, struct settings **out, struct err *e)
{
	struct settings *s = settings_new();
	struct conf conf;
	enum status st = conf_load(s->arena, path, &conf, e);

	for (size_t i = 0; st == ST_OK && i < conf.n; i++) {
		st = apply(s, &conf.items[i], e);
		if (st != ST_OK)
			err_prefix(e, "%s:%u", path, conf.items[i].line);
	}
	if (st == ST_OK) {
		*out = s;
		s = NULL;
	}
	settings_free(&s);
	return st;
}

static bool find_key(const char *key, struct str *section, size_t *at)
{
	struct str rest = str_of(key);

	*section = str_cut(&rest, '.');
	return find_row(*section, rest, at);
}

enum status settings_set(
	struct settings *s, const char *key, struct str value, struct err *e)
{
	struct str section;
	size_t i;

	if (!find_key(key, &section, &i))
		return err_set(e, ST_INVALID, "there is no setting %s", key);
	return set_row(s, section, i, value, e);
}

static const struct value *value_of(
	const struct settings *s, const char *key, enum setting_type *type)
{
	const struct value *values;
	struct str section;
	size_t i = 0;

	BUG(!find_key(key, &section, &i));
	values = values_of(s, section);
	BUG(values == NULL);
	*type = setting_rows[i].type;
	return &values[i];
}

struct str settings_name(const struct settings *s, const char *kind, size_t i)
{
	struct str name, start = str_of(kind);

	for (size_t k = 0; k < s->named.n; k++) {
		name = s->named.items[k].section;
		if (!str_starts(name, start) || name.p[start.n] != ' ')
			continue;
		if (i-- == 0)
			return str_from(name, start.n + 1);
	}
	return (struct str){};
}

struct str settings_str(const struct settings *s, const char *key)
{
	enum setting_type type;

	return value_of(s, key, &type)->text;
}

const char *settings_z(const struct settings *s, const char *key)
{
	struct str text = settings_str(s, key);

	return text.n > 0 ? text.p : NULL;
}

int64_t settings_int(const struct settings *s, const char *key)
{
	enum setting_type type;
	const struct value *v = value_of(s, key, &type);

	BUG(type != SETTING_INT && type != SETTING_TIME &&
		type != SETTING_SIZE);
	return v->num;
}

bool settings_bool(const struct settings *s, const char *key)
{
	enum setting_type type;
	const struct value *v = value_of(s, key, &type);

	BUG(type != SETTING_BOOL);
	return v->num != 0;
}

const struct str *settings_list(
	const struct settings *s, const char *key, size_t *n)
{
	enum setting_type type;
	const struct value *v = value_of(s, key, &type);

	BUG(!is_list(type));
	*n = v->words.n;
	return v->words.items;
}

struct str settings_state_path(
	const struct settings *s, struct arena *a, const char *file)
{
	return must(arena_fmt(
		a, "%s/%s", settings_str(s, "server.state_dir").p, file));
}

struct str settings_run_path(
	const struct settings *s, struct arena *a, const char *file)
{
	return must(arena_fmt(
		a, "%s/%s", settings_str(s, "server.run_dir").p, file));
}

struct str settings_seal_key(const struct settings *s, struct arena *a)
{
	struct str given = settings_str(s, "server.seal_key");

	return given.n > 0 ? given : settings_state_path(s, a, "keys/seal.key");
}

/* ---- printing */

static void write_value(
	const struct setting_row *row, const struct value *v, struct sbuf *out)
{
	sbuf_fmt(out, "%s =", row->key);
	if (!is_list(row->type)) {
		if (v->text.n > 0)
			sbuf_fmt(out, " %s", v->text.p);
		sbuf_addc(out, '\n');
		return;
	}
	for (size_t i = 0; i < v->words.n; i++)
		sbuf_fmt(out, "%s%s\n", i == 0 ? " " : "\t",
			v->words.items[i].p);
	if (v->words.n == 0)
		sbuf_addc(out, '\n');
}

/* The rows of one section from row i on, under its title. */
static void write_section(size_t i, struct str title,
	const struct value *values, struct sbuf *out)
{
	const char *section = setting_rows[i].section;

	sbuf_fmt(out, "%s[%.*s]\n", out->n == 0 ? "" : "\n", STR_ARG(title));
	for (; setting_rows[i].section != NULL; i++)
		if (strcmp(setting_rows[i].section, section) == 0)
			write_value(&setting_rows[i], &values[i], out);
}

void settings_write(const struct settings *s, struct sbuf *out)
{
	const char *section = "";
	struct str title;

	for (size_t i = 0; setting_rows[i].section != NULL; i++) {
		if (strcmp(section, setting_rows[i].section) == 0)
			continue;
		section = setting_rows[i].section;
		if (kind_of(section).n == 0)
			write_section(i, str_of(section), s->values, out);
		for (size_t k = 0; k < s->named.n; k++) {
			title = s->named.items[k].section;
			if (kind_of(section).n > 0 &&
				in_section(title, &setting_rows[i]))
				write_section(i, title,
					s->named.items[k].values, out);
		}
	}
}
