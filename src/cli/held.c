/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held: moat held. What waits is told by Postfix's queue, why by its words and
 * by the role policy, which knows the policies and what is wrong with them.
 */
#include "api/settings.h"
#include "base/bug.h"
#include "base/map.h"
#include "base/vec.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "outbound/hold_reason.h"
#include "outbound/queue_read.h"

#include "base/poison.h"

#define DOMAINS_MAX 20000 /* that are told apart */
#define PAGE_MAX 200	  /* whose policies are asked for at once */
#define BODY_BYTES_MAX (60u << 10)
#define SAID_MAX 200u

struct held {
	struct held *next;
	struct str domain;
	int64_t recipients; /* that wait */
	int64_t since;	    /* the oldest message; 0: none waits */
	const struct hold_reason *reason; /* NULL: not TLS */
	struct str said;		  /* by Postfix */
	const struct json *policy;
	struct {
		const struct json **items;
		size_t n, cap;
	} trouble; /* what moat knows to be wrong */
};

struct list {
	struct cli *cli;
	struct map *by_name;
	struct held *first, **last;
	size_t n, unreadable;
	size_t passed_over; /* recipients of still more domains */
	int64_t now;
};

/* NULL: there are too many. */
static struct held *held_of(struct list *l, struct str domain)
{
	struct held *h = map_get(l->by_name, domain);

	if (h != NULL || l->n == DOMAINS_MAX)
		return h;
	h = arena_alloc(l->cli->arena, sizeof(*h));
	BUG(h == NULL);
	h->domain = arena_str(l->cli->arena, domain);
	*l->last = h;
	l->last = &h->next;
	l->n++;
	(void)map_put(l->by_name, h->domain, h);
	return h;
}

/* ---- the queue */

static void take_recipient(struct list *l, const struct queue_message *m,
	const struct queue_recipient *r)
{
	const struct hold_reason *reason = hold_reason_of(r->reason);
	struct held *h = held_of(l, r->domain);

	if (h == NULL) {
		l->passed_over++;
		return;
	}
	h->recipients++;
	if (h->since == 0 || m->arrival < h->since)
		h->since = m->arrival;
	if (h->reason == NULL && (reason != NULL || h->said.n == 0)) {
		h->reason = reason;
		h->said = arena_str(
			l->cli->arena, str_upto(r->reason, SAID_MAX));
	}
}

static void on_message(void *ctx, const struct queue_message *m)
{
	for (size_t i = 0; m->deferred && i < m->n; i++)
		take_recipient(ctx, m, &m->recipients[i]);
}

static enum status read_queue(struct list *l, struct err *e)
{
	struct settings *set = NULL;
	struct queue_where where;
	enum status st = client_settings(l->cli, &set, e);

	if (st == ST_OK) {
		where.commands = settings_str(set, "policy.postfix_commands").p;
		where.config = settings_str(set, "policy.postfix_config").p;
		st = queue_read(&where, on_message, l, &l->unreadable, e);
	}
	settings_free(&set);
	return st;
}

/* ---- the role policy */

/* The domains from *next on that fit into one question. */
static struct str write_body(struct list *l, const struct held **next)
{
	struct sbuf b = sbuf_arena(l->cli->arena, BODY_BYTES_MAX);
	struct json_writer w = json_writer_of(&b, 0);
	size_t n = 0;

	json_open_object(&w, NULL);
	json_open_array(&w, "domains");
	for (; *next != NULL && n < PAGE_MAX; *next = (*next)->next)
		if ((*next)->reason != NULL) {
			json_put_str(&w, NULL, (*next)->domain);
			n++;
		}
	json_close_array(&w);
	json_close_object(&w);
	BUG(!sbuf_ok(&b));
	return sbuf_str(&b);
}

static enum status ask(struct list *l, struct client_call *call,
	const struct json **answer, const char **remedy, struct err *e)
{
	enum status st;
	int code = 0;

	call->socket = SETTINGS_POLICY_SOCKET;
	st = client_ask(l->cli, call, &code, answer, remedy, e);
	if (st == ST_OK && code >= 400)
		st = err_set(
			e, ST_TEMP, "the role policy answers with %d", code);
	return st;
}

static enum status ask_trouble(
	struct list *l, const char **remedy, struct err *e)
{
	struct client_call call = { .method = "GET",
		.path = STR("/v1/trouble") };
	const struct json *answer = NULL, *v;
	enum status st = ask(l, &call, &answer, remedy, e);
	struct held *h;

	if (st != ST_OK)
		return st;
	l->now = client_int(answer, "now");
	for (v = json_first(answer, "trouble"); v != NULL; v = v->next)
		if ((h = held_of(l, json_get_str(v, "domain"))) != NULL)
			BUG(!VEC_PUSH(l->cli->arena, &h->trouble, v));
	return ST_OK;
}

static enum status ask_policies(struct list *l, const struct held **next,
	const char **remedy, struct err *e)
{
	struct client_call call = { .method = "POST",
		.path = STR("/v1/cache"),
		.body = write_body(l, next) };
	const struct json *answer = NULL, *v;
	enum status st = ask(l, &call, &answer, remedy, e);
	struct held *h;

	if (st != ST_OK)
		return st;
	for (v = json_first(answer, "policies"); v != NULL; v = v->next)
		if ((h = held_of(l, json_get_str(v, "domain"))) != NULL)
			h->policy = v;
	return ST_OK;
}

static enum status ask_role(struct list *l, const char **remedy, struct err *e)
{
	enum status st = ask_trouble(l, remedy, e);
	const struct held *next = l->first;

	while (st == ST_OK && next != NULL)
		st = ask_policies(l, &next, remedy, e);
	return st;
}

/* Not what waits because its mail host is down. */
static bool is_shown(const struct held *h)
{
	if (h->trouble.n > 0)
		return true;
	if (h->reason == NULL)
		return false;
	return !h->reason->only_with_policy ||
	       json_true(json_get(h->policy, "in_force"));
}

/* ---- printing */

static const char *text_of(const struct held *h, struct cli *cli)
{
	if (h->reason != NULL)
		return h->reason->text;
	return client_text(cli, h->trouble.items[0], "why");
}

static struct str remedy_of(const struct held *h, struct cli *cli)
{
	const char *text = h->reason != NULL
				   ? h->reason->remedy
				   : "See moat explain DOMAIN for every step.";

	return hold_reason_remedy(cli->arena, text, h->domain);
}

static void print_trouble(
	struct cli *cli, const struct held *h, const struct json *v)
{
	struct str next_hop = json_get_str(v, "next_hop");

	(void)fprintf(cli->out, "  moat:   %s, since %s",
		client_text(cli, v, "why"),
		client_time(cli, client_int(v, "since")));
	if (!str_eq(next_hop, h->domain))
		(void)fprintf(cli->out, " (mail to %s)",
			client_text(cli, v, "next_hop"));
	(void)fprintf(cli->out, "\n");
}

static void print_one(struct cli *cli, const struct held *h)
{
	struct str remedy = remedy_of(h, cli);

	(void)fprintf(cli->out, "%s%.*s%s: ", cli_bold(cli), STR_ARG(h->domain),
		cli_plain(cli));
	if (h->recipients > 0)
		(void)fprintf(cli->out, "%lld %s since %s\n",
			(long long)h->recipients,
			h->recipients == 1 ? "recipient waits"
					   : "recipients wait",
			client_time(cli, h->since));
	else
		(void)fprintf(cli->out, "no mail waits, but it may have to\n");
	(void)fprintf(cli->out, "  why:    %s\n", text_of(h, cli));
	if (h->said.n > 0) {
		struct sbuf b = sbuf_arena(cli->arena, 4 * SAID_MAX);

		sbuf_escaped(&b, h->said);
		(void)fprintf(
			cli->out, "  said:   %.*s\n", STR_ARG(sbuf_str(&b)));
	}
	for (size_t i = 0; i < h->trouble.n; i++)
		print_trouble(cli, h, h->trouble.items[i]);
	if (h->policy != NULL)
		(void)fprintf(cli->out, "  policy: mode %s, id %s, until %s\n",
			client_text(cli, h->policy, "mode"),
			client_text(cli, h->policy, "id"),
			client_time(cli, client_int(h->policy, "expires")));
	(void)fprintf(cli->out, "  do:     %.*s\n", STR_ARG(remedy));
}

static void json_one(
	struct cli *cli, struct json_writer *w, const struct held *h)
{
	json_open_object(w, NULL);
	json_put_str(w, "domain", h->domain);
	json_put_int(w, "recipients", h->recipients);
	json_put_int(w, "since", h->since);
	json_put_z(w, "reason", h->reason != NULL ? h->reason->id : "");
	json_put_z(w, "why", text_of(h, cli));
	json_put_str(w, "said", h->said);
	json_put_str(w, "remedy", remedy_of(h, cli));
	json_open_array(w, "trouble");
	for (size_t i = 0; i < h->trouble.n; i++)
		json_put_tree(w, NULL, h->trouble.items[i]);
	json_close_array(w);
	if (h->policy != NULL)
		json_put_tree(w, "policy", h->policy);
	json_close_object(w);
}

static size_t print_all(struct list *l)
{
	size_t n = 0;

	for (const struct held *h = l->first; h != NULL; h = h->next)
		if (is_shown(h)) {
			print_one(l->cli, h);
			n++;
		}
	if (n == 0)
		(void)fprintf(l->cli->out, "No mail waits because of TLS or a "
					   "policy.\n");
	if (l->unreadable > 0)
		(void)fprintf(l->cli->out,
			"%zu messages of the queue could not be read.\n",
			l->unreadable);
	if (l->passed_over > 0)
		(void)fprintf(l->cli->out,
			"%zu recipients of more than %d domains were not "
			"looked at.\n",
			l->passed_over, DOMAINS_MAX);
	return n;
}

static size_t print_json(struct list *l)
{
	struct sbuf b;
	struct json_writer w = cli_json_begin(l->cli, &b);
	size_t n = 0;

	json_open_object(&w, NULL);
	json_put_int(&w, "unreadable", (int64_t)l->unreadable);
	json_put_int(&w, "passed_over", (int64_t)l->passed_over);
	json_open_array(&w, "held");
	for (const struct held *h = l->first; h != NULL; h = h->next)
		if (is_shown(h)) {
			json_one(l->cli, &w, h);
			n++;
		}
	json_close_array(&w);
	json_close_object(&w);
	cli_json_end(l->cli, &b);
	return n;
}

static int held(struct list *l)
{
	const char *remedy = NULL;
	struct err e = {};
	bool told;
	size_t n;

	if (read_queue(l, &e) != ST_OK)
		return cli_failed_remedy(l->cli, &e,
			"see that Postfix runs on this machine, or name the "
			"folder of its programs in policy.postfix_commands");
	told = ask_role(l, &remedy, &e) == ST_OK;
	n = l->cli->json ? print_json(l) : print_all(l);
	if (!told) {
		(void)fprintf(l->cli->err,
			"%s: what moat knows of it is missing: %s\n"
			"  What to do: %s.\n",
			l->cli->name, e.text, remedy != NULL ? remedy : "");
		return CLI_UNTESTED;
	}
	return n > 0 || l->unreadable > 0 || l->passed_over > 0 ? CLI_WARNINGS
								: CLI_GOOD;
}

static int run(struct cli *cli, const struct args *args)
{
	struct list l = { .cli = cli };
	int code;

	if (args->words.n > 0)
		return cli_usage(cli, "it takes no arguments");
	l.last = &l.first;
	l.by_name = map_new();
	code = held(&l);
	map_free(&l.by_name);
	return code;
}

const struct command cmd_held = {
	.name = "held",
	.words = "",
	.summary = "Mail that waits because of a policy, and what would help",
	.run = run,
};
