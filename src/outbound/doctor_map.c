/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_map: reads lists of tables as Postfix does. */
#include "outbound/doctor_map.h"

#include "io/addr.h"
#include "outbound/doctor_postfix.h"

#include "base/poison.h"

struct str doctor_map_next(struct str *rest)
{
	size_t at = 0, n = 0;
	int depth = 0;
	struct str t;

	while (at < rest->n && (str_index(STR(" \t,"), rest->p[at]) >= 0))
		at++;
	*rest = str_from(*rest, at);
	for (; n < rest->n; n++) {
		depth += rest->p[n] == '{';
		depth -= rest->p[n] == '}';
		if (depth <= 0 && str_index(STR(" \t,"), rest->p[n]) >= 0)
			break;
	}
	t = str_upto(*rest, n);
	*rest = str_from(*rest, n);
	return t;
}

static bool take(struct str *s, struct str prefix)
{
	if (!str_starts(*s, prefix))
		return false;
	*s = str_from(*s, prefix.n);
	return true;
}

/* Cuts the socketmap's name off the end. */
static struct str last_part(struct str *s)
{
	size_t n = s->n;
	struct str name;

	while (n > 0 && s->p[n - 1] != ':')
		n--;
	name = str_from(*s, n);
	*s = str_upto(*s, n == 0 ? 0 : n - 1);
	return name;
}

static bool same_place(struct str a, struct str b)
{
	struct addr x, y;

	if (str_starts(a, STR("localhost:")))
		return str_ends(b, str_from(a, sizeof("localhost") - 1));
	return addr_parse(a, 0, &x) == ST_OK && addr_parse(b, 0, &y) == ST_OK &&
	       addr_port(&x) == addr_port(&y) &&
	       str_eq(addr_bytes(&x), addr_bytes(&y));
}

/*
 * Where a socket is found: smtp(8) works in the queue directory, maybe chrooted
 * there; proxymap(8) is not.
 */
static struct str real_path(struct doctor *d, const struct doctor_postfix *p,
	struct str path, bool proxied)
{
	struct str queue = doctor_postfix_value(p, "queue_directory");
	bool absolute = str_starts(path, STR("/"));

	if (absolute && (proxied || !p->chrooted))
		return path;
	return arena_fmt(d->arena, "%.*s%s%.*s", STR_ARG(queue),
		absolute ? "" : "/", STR_ARG(path));
}

/* Is this table a socket of moat? */
static bool is_ours(struct doctor *d, const struct doctor_postfix *p,
	const struct doctor_moat *moat, struct str text, struct doctor_map *map)
{
	struct str s = text, name;
	bool proxied = take(&s, STR("proxy:"));

	if (!take(&s, STR("socketmap:")))
		return false;
	name = last_part(&s);
	*map = (struct doctor_map){ .text = text };
	for (size_t i = 0; i < moat->n_profiles; i++)
		if (str_eq(moat->profiles[i].name, name))
			map->profile = &moat->profiles[i];
	if (take(&s, STR("unix:"))) {
		map->socket = real_path(d, p, s, proxied);
		return moat->socket.n > 0 &&
		       (str_eq(map->socket, moat->socket) ||
			       str_eq(s, moat->socket));
	}
	if (!take(&s, STR("inet:")))
		return false;
	for (size_t i = 0; i < moat->n_listen; i++)
		if (same_place(s, moat->listen[i]))
			return true;
	return false;
}

/* A table that answers before ours does hides what moat would say. */
static void judge_before(struct doctor *d, struct str text)
{
	if (str_starts(text, STR("static:")))
		doctor_add(d, DOCTOR_ERROR, "postfix.tables",
			"Put moat before it in smtp_tls_policy_maps.",
			"%s answers for every domain, so that moat is never "
			"asked",
			doctor_quote(d, text));
	else if (str_starts(text, STR("socketmap:")))
		doctor_add(d, DOCTOR_WARNING, "postfix.tables",
			"Two such programs get in each other's way: take the "
			"other one out.",
			"another socketmap is asked before moat: %s",
			doctor_quote(d, text));
	else
		doctor_add(d, DOCTOR_GOOD, "postfix.tables", "",
			"what %s has goes before moat's answers",
			doctor_quote(d, text));
}

/* The table to be put there, as main.cf has it: where moat listens, and the
 * built-in profile for this level and version. */
static const char *table_wanted(struct doctor *d,
	const struct doctor_postfix *p, const struct doctor_moat *moat)
{
	const char *name = !doctor_postfix_is(
				   p, "smtp_tls_security_level", "dane")
				   ? "dane-sts"
			   : doctor_postfix_is_from(p, 3, 10, 0) ? "sts-tlsrpt"
								 : "sts";
	struct str queue = doctor_postfix_value(p, "queue_directory");
	struct str path = moat->socket;

	if (moat->n_listen > 0)
		return arena_fmt(d->arena, "socketmap:inet:%.*s:%s",
			STR_ARG(moat->listen[0]), name)
			.p;
	if (queue.n > 0 && take(&path, queue))
		(void)take(&path, STR("/"));
	return arena_fmt(
		d->arena, "socketmap:unix:%.*s:%s", STR_ARG(path), name)
		.p;
}

void doctor_map_judge(struct doctor *d, const struct doctor_postfix *p,
	const struct doctor_moat *moat, struct doctor_map *map)
{
	struct str rest = doctor_postfix_value(p, "smtp_tls_policy_maps");
	struct str all = rest, t, before[16];
	size_t n = 0;

	while ((t = doctor_map_next(&rest)).n > 0) {
		if (is_ours(d, p, moat, t, map))
			break;
		*map = (struct doctor_map){};
		if (n < sizeof(before) / sizeof(*before))
			before[n++] = t;
	}
	if (map->text.n == 0) {
		doctor_add(d, DOCTOR_ERROR, "postfix.maps",
			arena_fmt(d->arena,
				"Set smtp_tls_policy_maps = %s in main.cf, "
				"behind tables of your own.",
				table_wanted(d, p, moat))
				.p,
			"smtp_tls_policy_maps does not lead to moat, which "
			"listens at %s: \"%s\"",
			doctor_quote(d, moat->n_listen > 0 ? moat->listen[0]
							   : moat->socket),
			doctor_quote(d, all));
		return;
	}
	for (size_t i = 0; i < n; i++)
		judge_before(d, before[i]);
	doctor_add(d, DOCTOR_GOOD, "postfix.maps", "",
		"smtp_tls_policy_maps asks moat: %s",
		doctor_quote(d, map->text));
}
