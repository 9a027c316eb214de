/* SPDX-License-Identifier: Apache-2.0 */
/* pages: one call after the other until there is no "after" in the answer. */
#include "cli/client.h"
#include "cli/pages.h"

#include "base/poison.h"

#define ITEM_BYTES_MAX (1u << 20)

struct list {
	const struct pages *pages;
	struct cli cli; /* its arena lives as long as one page */
	size_t shown;
};

static void print_objects(struct list *l, const struct json *item)
{
	for (; item != NULL; item = item->next) {
		struct sbuf b = sbuf_arena(l->cli.arena, ITEM_BYTES_MAX);
		struct json_writer w = json_writer_of(&b, 2);

		json_put_tree(&w, NULL, item);
		(void)fprintf(l->cli.out, "%s%.*s", l->shown++ > 0 ? ",\n" : "",
			STR_ARG(sbuf_str(&b)));
	}
}

/* Prints one page; *path becomes that of the next, p == NULL after the last. */
static int page(struct list *l, bool json, struct arena *a, struct str *path)
{
	struct client_call call = { .socket = l->pages->socket,
		.method = "GET",
		.path = *path,
		.quiet = true };
	const struct json *answer, *items;
	int code = client_do(&l->cli, &call, &answer);

	if (code != CLI_GOOD)
		return code;
	if (json && l->cli.json)
		(void)fprintf(l->cli.out, "{\"%s\": [\n", l->pages->member);
	/* From now on a failure is a member of the document begun. */
	l->cli.json = false;
	items = json_get(answer, l->pages->member);
	if (items != NULL && items->count > 0 && json) {
		print_objects(l, items->first);
	} else if (items != NULL && items->count > 0) {
		l->pages->print(&l->cli, answer, items->first, l->shown > 0);
		l->shown += items->count;
	}
	*path = (struct str){};
	if (json_get(answer, "after") != NULL)
		*path = arena_fmt(a, "%s&after=%s", l->pages->path,
			client_text(&l->cli, answer, "after"));
	return CLI_GOOD;
}

int pages_print(struct cli *cli, const struct pages *pages)
{
	struct list l = { .pages = pages, .cli = *cli };
	struct str path = str_of(pages->path);
	int code = CLI_GOOD;

	while (code == CLI_GOOD && path.p != NULL) {
		l.cli.arena = arena_must(0);
		code = page(&l, cli->json, cli->arena, &path);
		arena_free(&l.cli.arena);
	}
	if (cli->json && !l.cli.json)
		(void)fprintf(cli->out, "\n]%s}\n",
			code == CLI_GOOD ? "" : ",\n\"incomplete\": true");
	else if (!cli->json && code == CLI_GOOD && l.shown == 0)
		(void)fprintf(cli->out, "%s\n", pages->empty);
	return code;
}
