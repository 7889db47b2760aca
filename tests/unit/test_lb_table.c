/* SPDX-License-Identifier: MIT */
/*
 * test_lb_table.c - servers and tables, as the control thread keeps them
 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lb/table.h"

#define SERVERS 3

struct fixture {
	struct weir_pool *pool;
	struct lb_servers servers;
	struct lb_target_config targets[SERVERS];
	struct lb_listen_config listen;
	struct lb_route_source source;
};

static void set_up(struct fixture *f)
{
	const struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = 2,
	};

	memset(f, 0, sizeof(*f));
	CHECK_EQ(weir_pool_new(&options, &f->pool), 0);
	CHECK_EQ(lb_servers_init(&f->servers, f->pool), 0);
	for (int i = 0; i < SERVERS; i++) {
		struct lb_target_config *target = &f->targets[i];

		snprintf(target->name, sizeof(target->name), "127.0.0.1:%d",
			 i + 1);
		CHECK_EQ(weir_addr_parse(target->name, &target->addr), 0);
		target->weight = 1;
	}
	f->listen.targets = f->targets;
	f->listen.target_count = SERVERS;
	f->source.id = 5;
	f->source.listen = &f->listen;
	f->source.buffer_bytes = 4096;
}

static void tear_down(struct fixture *f)
{
	lb_servers_done(&f->servers);
	weir_pool_free(f->pool);
}

static struct lb_table *make_table(struct fixture *f, uint64_t number)
{
	struct lb_table *table = NULL;

	CHECK_EQ(lb_table_new(&f->servers, &f->source, 1, number, &table), 0);
	return table;
}

/* The number of the server chosen, 1 .. SERVERS; 0: none. */
static int pick_up(const struct lb_table *table, const struct lb_down *down,
		   int worker, weir_ns now, const uint32_t *tried,
		   unsigned tried_count)
{
	const struct lb_server *server =
		lb_route_pick(table, &table->routes[0], down, worker, now,
			      tried, tried_count);

	return server ? server->name[strlen(server->name) - 1] - '0' : 0;
}

static int pick(const struct lb_table *table, int worker, weir_ns now,
		const uint32_t *tried, unsigned tried_count)
{
	return pick_up(table, NULL, worker, now, tried, tried_count);
}

TEST(routes_are_found_by_id)
{
	struct fixture f;
	struct lb_table *table;

	set_up(&f);
	table = make_table(&f, 0);
	CHECK(lb_table_find(table, 5) == &table->routes[0]);
	CHECK(lb_table_find(table, 6) == NULL);
	CHECK(lb_table_find(NULL, 5) == NULL);
	CHECK_EQ(table->routes[0].tries, SERVERS);
	lb_table_free(table);
	f.listen.tries = 2;
	table = make_table(&f, 1);
	CHECK_EQ(table->routes[0].tries, 2);
	lb_table_free(table);
	tear_down(&f);
}

TEST(workers_and_tables_begin_at_different_servers)
{
	struct fixture f;
	int first[2][2];

	set_up(&f);
	for (uint64_t number = 0; number < 2; number++) {
		struct lb_table *table = make_table(&f, number);

		for (int worker = 0; worker < 2; worker++)
			first[number][worker] = pick(table, worker, 1, NULL, 0);
		lb_table_free(table);
	}
	CHECK_EQ(first[0][0], 1);
	CHECK_EQ(first[0][1], 2);
	CHECK_EQ(first[1][0], 2);
	CHECK_EQ(first[1][1], 3);
	tear_down(&f);
}

TEST(what_was_tried_is_not_chosen_again)
{
	struct fixture f;
	struct lb_table *table;
	uint32_t tried[SERVERS];

	set_up(&f);
	for (int balance = 0; balance < 2; balance++) {
		f.listen.balance = (enum lb_balance)balance;
		table = make_table(&f, 0);
		for (int i = 0; i < SERVERS; i++)
			tried[i] = table->routes[0].servers[2 - i]->id;
		CHECK_EQ(pick(table, 0, 1, tried, 2), 1);
		CHECK_EQ(pick(table, 0, 1, tried, 2), 1);
		CHECK_EQ(pick(table, 0, 1, tried, 3), 0);
		lb_table_free(table);
	}
	tear_down(&f);
}

TEST(one_that_fails_is_the_last_resort_of_its_worker)
{
	struct fixture f;
	struct lb_table *table;
	struct lb_server **servers;
	uint32_t tried[2];

	set_up(&f);
	table = make_table(&f, 0);
	servers = table->routes[0].servers;
	servers[0]->views[0].failing_until = 100;
	for (int i = 0; i < 4; i++)
		CHECK(pick(table, 0, 99, NULL, 0) != 1);
	tried[0] = servers[1]->id;
	tried[1] = servers[2]->id;
	CHECK_EQ(pick(table, 0, 99, tried, 2), 1);
	CHECK_EQ(pick(table, 0, 100, tried, 2), 1);
	/* The other worker has not met it. */
	CHECK_EQ(pick(table, 1, 99, tried, 2), 1);
	lb_table_free(table);
	tear_down(&f);
}

/* Not down, then not failing, then whoever is left. */
TEST(one_that_is_down_is_the_last_resort_of_its_door)
{
	struct fixture f;
	struct lb_table *table;
	struct lb_server **servers;
	struct lb_down *down = NULL;
	uint32_t tried[2];

	set_up(&f);
	table = make_table(&f, 0);
	servers = table->routes[0].servers;
	CHECK_EQ(lb_down_new(2, &down), 0);
	CHECK_EQ(pick_up(table, down, 0, 1, NULL, 0), 1);
	/* The other pair is of another door, and in front when sorted. */
	down->pairs[down->count++] = lb_down_pair(5, servers[1]->id);
	down->pairs[down->count++] = lb_down_pair(4, servers[2]->id);
	lb_down_sort(down);
	servers[0]->views[0].failing_until = 100;
	CHECK_EQ(pick_up(table, down, 0, 99, NULL, 0), 3);
	tried[0] = servers[2]->id;
	CHECK_EQ(pick_up(table, down, 0, 99, tried, 1), 1);
	tried[1] = servers[0]->id;
	CHECK_EQ(pick_up(table, down, 0, 99, tried, 2), 2);
	/* And to this worker the first one is as good as any. */
	for (int i = 0; i < 4; i++)
		CHECK(pick_up(table, down, 1, 99, NULL, 0) != 2);
	free(down);
	lb_table_free(table);
	tear_down(&f);
}

TEST(a_server_is_known_once_and_outlives_its_tables)
{
	struct fixture f;
	struct lb_table *old, *table;
	struct lb_server *second;

	set_up(&f);
	old = make_table(&f, 0);
	second = old->routes[0].servers[1];
	CHECK_EQ(second->users, 1);
	/* A new table names the second one alone. */
	f.listen.targets = &f.targets[1];
	f.listen.target_count = 1;
	table = make_table(&f, 1);
	CHECK(table->routes[0].servers[0] == second);
	CHECK_EQ(second->users, 2);
	lb_table_free(old);
	CHECK_EQ(lb_servers_sweep(&f.servers), 0);
	CHECK(f.servers.first == second);
	CHECK(second->next == NULL);
	lb_table_free(table);
	CHECK_EQ(lb_servers_sweep(&f.servers), 0);
	CHECK(f.servers.first == NULL);
	tear_down(&f);
}

TEST(an_unused_server_can_come_back)
{
	struct fixture f;
	struct lb_table *table;
	uint32_t id;

	set_up(&f);
	table = make_table(&f, 0);
	id = table->routes[0].servers[0]->id;
	lb_table_free(table);
	/* Before the sweep it is still the same one, later another. */
	table = make_table(&f, 1);
	CHECK_EQ(table->routes[0].servers[0]->id, id);
	lb_table_free(table);
	lb_servers_sweep(&f.servers);
	table = make_table(&f, 2);
	CHECK(table->routes[0].servers[0]->id != id);
	lb_table_free(table);
	tear_down(&f);
}
