/* SPDX-License-Identifier: Apache-2.0 */
/* args: long options. */
#include <string.h>

#include "base/bug.h"
#include "base/num.h"
#include "base/vec.h"
#include "cli/args.h"

#include "base/poison.h"

void args_allow(struct args *args, const struct arg_row *rows)
{
	if (rows == NULL)
		return;
	BUG(args->n_tables == ARG_TABLES_MAX);
	args->tables[args->n_tables++] = rows;
}

/* The row of a long name, or of a letter when the name is empty. */
static const struct arg_row *row_find(
	const struct args *args, struct str name, char letter)
{
	for (size_t i = 0; i < args->n_tables; i++)
		for (const struct arg_row *r = args->tables[i]; r->name != NULL;
			r++)
			if (name.n > 0 ? str_eq(name, str_of(r->name))
				       : letter != 0 && r->letter == letter)
				return r;
	return NULL;
}

static const struct arg_given *given_find(
	const struct args *args, const char *name)
{
	BUG(row_find(args, str_of(name), 0) == NULL);
	for (size_t i = 0; i < args->given.n; i++)
		if (strcmp(args->given.items[i].row->name, name) == 0)
			return &args->given.items[i];
	return NULL;
}

static void give(
	struct args *args, const struct arg_row *row, const char *value)
{
	struct arg_given g = { row, value };

	BUG(!VEC_PUSH(args->arena, &args->given, g));
}

static void add_word(struct args *args, const char *word)
{
	BUG(!VEC_PUSH(args->arena, &args->words, word));
}

/*
 * One option at argv[0], its value perhaps in argv[1]. Sets *used to 1 or 2 and
 * *row to the option.
 */
static enum status parse_option(struct args *args, int argc, char **argv,
	int *used, const struct arg_row **row, struct err *e)
{
	bool is_long = argv[0][1] == '-';
	struct str name = is_long ? str_of(argv[0] + 2) : STR("");
	const char *value = NULL;
	const char *eq = is_long ? strchr(argv[0], '=') : NULL;

	if (eq != NULL) {
		name.n = (size_t)(eq - argv[0]) - 2;
		value = eq + 1;
	}
	*used = 1;
	*row = !is_long && argv[0][2] != '\0'
		       ? NULL
		       : row_find(args, name, argv[0][1]);
	if (*row == NULL)
		return err_set(e, ST_INVALID, "there is no option %s", argv[0]);
	if ((*row)->value == NULL && value != NULL)
		return err_set(
			e, ST_INVALID, "--%s takes no value", (*row)->name);
	if (!(*row)->many && given_find(args, (*row)->name) != NULL)
		return err_set(
			e, ST_INVALID, "--%s is given twice", (*row)->name);
	if ((*row)->value != NULL && value == NULL) {
		if (argc < 2)
			return err_set(e, ST_INVALID, "--%s needs a value: %s",
				(*row)->name, (*row)->value);
		value = argv[1];
		*used = 2;
	}
	give(args, *row, value);
	return ST_OK;
}

enum status args_parse(struct args *args, int argc, char **argv,
	bool stop_at_word, int *used, struct err *e)
{
	const struct arg_row *row = NULL;
	bool only_words = false;
	enum status st;
	int i = 0, n;

	while (i < argc) {
		bool word = only_words || argv[i][0] != '-' ||
			    argv[i][1] == '\0';

		if (!word && strcmp(argv[i], "--") == 0) {
			only_words = true;
			row = NULL;
			i++;
		} else if (word && row != NULL && row->many) {
			give(args, row, argv[i++]);
		} else if (word && stop_at_word) {
			break;
		} else if (word) {
			add_word(args, argv[i++]);
		} else {
			st = parse_option(
				args, argc - i, argv + i, &n, &row, e);
			if (st != ST_OK)
				return st;
			i += n;
		}
	}
	*used = i;
	return ST_OK;
}

bool args_flag(const struct args *args, const char *name)
{
	return given_find(args, name) != NULL;
}

const char *args_get(const struct args *args, const char *name)
{
	const struct arg_given *g = given_find(args, name);

	return g == NULL ? NULL : g->value;
}

size_t args_all(const struct args *args, const char *name, const char ***values)
{
	size_t n = 0;
	const char **all;

	if (given_find(args, name) == NULL)
		return 0;
	all = arena_array(args->arena, args->given.n, sizeof(*all));
	BUG(all == NULL);
	for (size_t i = 0; i < args->given.n; i++)
		if (strcmp(args->given.items[i].row->name, name) == 0)
			all[n++] = args->given.items[i].value;
	*values = all;
	return n;
}

enum status args_int(const struct args *args, const char *name, int64_t min,
	int64_t max, int64_t *out, struct err *e)
{
	const char *value = args_get(args, name);

	if (value == NULL)
		return ST_OK;
	if (num_i64(str_of(value), min, max, out) == ST_OK)
		return ST_OK;
	return err_set(e, ST_INVALID,
		"--%s must be a number from %lld to %lld, not \"%s\"", name,
		(long long)min, (long long)max, value);
}
