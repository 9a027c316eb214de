/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages: lists that come in pages. Each lives in an arena of its own and is
 * printed before the next one is asked for, so that their length costs no
 * memory. With --json all pages make one document.
 */
#pragma once

#include "base/json.h"
#include "cli/cli.h"

struct pages {
	const char *socket; /* as in struct client_call */
	const char *path;   /* with "?limit=N"; "&after=X" is added to it */
	const char *member; /* the array in the answer: "domains" */
	/* Prints items from the first one on; on: it goes on below others. */
	void (*print)(struct cli *cli, const struct json *answer,
		const struct json *first, bool on);
	const char *empty; /* a line for people when there is nothing */
};

/* Prints them all. Returns an exit code. */
int pages_print(struct cli *cli, const struct pages *pages);
