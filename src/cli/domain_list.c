/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain_list: a page of the API lives in an arena of its own and is printed
 * before the next one is asked for, so that the number of domains costs no
 * memory. With --json all pages make one document.
 */
#include "cli/client.h"
#include "cli/domain_list.h"
#include "cli/table.h"

#include "base/poison.h"

#define PATH "/api/v1/domains?limit=1000"
#define DOMAIN_BYTES_MAX (1u << 20)

struct list {
	struct cli cli; /* its arena lives as long as one page */
	size_t shown;
};

static void print_rows(struct list *l, const struct json *d)
{
	static const char *const heads[] = { "DOMAIN", "STATE", "MODE",
		"POLICY", "CERTIFICATE UNTIL" };
	struct table t = table_of(l->cli.arena, heads, 5);

	t.no_heads = l->shown > 0;
	for (; d != NULL; d = d->next) {
		struct table_row *row = table_add(&t);
		const struct json *cert = json_get(d, "certificate");

		row->cells[0] = table_text(&t, json_get_str(d, "name"));
		row->cells[1] = table_text(&t, json_get_str(d, "state"));
		row->cells[2] = table_text(&t, json_get_str(d, "mode"));
		row->cells[3] = table_text(&t, json_get_str(d, "policy_id"));
		row->cells[4] = str_of(
			cert == NULL ? "-"
				     : client_time(&l->cli,
					       client_int(cert, "not_after")));
	}
	if (t.n > 0)
		table_print(&l->cli, &t, "");
	l->shown += t.n;
}

static void print_objects(struct list *l, const struct json *d)
{
	for (; d != NULL; d = d->next) {
		struct sbuf b = sbuf_arena(l->cli.arena, DOMAIN_BYTES_MAX);
		struct json_writer w = json_writer_of(&b, 2);

		json_put_tree(&w, NULL, d);
		(void)fprintf(l->cli.out, "%s%.*s", l->shown++ > 0 ? ",\n" : "",
			STR_ARG(sbuf_str(&b)));
	}
}

/* Prints one page; *path becomes that of the next, p == NULL after the last. */
static int page(struct list *l, bool json, struct arena *a, struct str *path)
{
	struct client_call call = {
		.method = "GET", .path = *path, .quiet = true
	};
	const struct json *answer, *domains;
	int code = client_do(&l->cli, &call, &answer);

	if (code != CLI_GOOD)
		return code;
	if (json && l->cli.json)
		(void)fputs("{\"domains\": [\n", l->cli.out);
	/* From now on a failure is a member of the document begun. */
	l->cli.json = false;
	domains = json_get(answer, "domains");
	if (domains != NULL && json)
		print_objects(l, domains->first);
	else if (domains != NULL)
		print_rows(l, domains->first);
	*path = (struct str){};
	if (json_get(answer, "after") != NULL)
		*path = arena_fmt(a, PATH "&after=%s",
			client_text(&l->cli, answer, "after"));
	return CLI_GOOD;
}

int domain_list_run(struct cli *cli, const struct args *args)
{
	struct list l = { .cli = *cli };
	struct str path = STR(PATH);
	int code = CLI_GOOD;

	if (args->words.n > 0)
		return cli_usage(cli, "it takes no arguments");
	while (code == CLI_GOOD && path.p != NULL) {
		l.cli.arena = arena_must(0);
		code = page(&l, cli->json, cli->arena, &path);
		arena_free(&l.cli.arena);
	}
	if (cli->json && !l.cli.json)
		(void)fprintf(cli->out, "\n]%s}\n",
			code == CLI_GOOD ? "" : ",\n\"incomplete\": true");
	else if (!cli->json && code == CLI_GOOD && l.shown == 0)
		(void)fprintf(cli->out, "No domains yet. Begin with:  moat "
					"domain add DOMAIN\n");
	return code;
}
