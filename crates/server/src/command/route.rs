//! The operator's routes.

use super::{answer, load, operator_context, provider::explain};
use crate::{
    cli::{RouteArgs, RouteCommand},
    machine::{SystemClock, rng},
};
use anyhow::Context as _;
use countersign_core::{
    access::change::Change,
    delivery::route::Route,
    management::routes::{self, RouteChange},
    phone::Country,
    ports::clock::Clock as _,
    tenant::OPERATOR,
};
use std::{path::Path, time::Duration};

pub(super) async fn run(config: Option<&Path>, command: RouteCommand) -> anyhow::Result<()> {
    let context = operator_context(&load(config, [])?).await?;
    let now = SystemClock.now();
    match command {
        RouteCommand::Create(args) => {
            let RouteArgs { name, provider, order, weight, countries, prefixes, sender, receipt_timeout } =
                *args;
            let change = RouteChange {
                order: Some(order),
                weight: Some(weight),
                countries: Some(countries.into_iter().collect()),
                prefixes: Some(prefixes.into_iter().collect()),
                sender: Some(sender),
                receipt_timeout: Some(receipt_timeout.map(|seconds| Duration::from_secs(seconds.into()))),
                ..RouteChange::default()
            };
            let made = routes::create_route(
                &context,
                OPERATOR,
                (name, provider),
                change,
                None,
                &Change::by_operator(now),
                &mut rng(),
            )
            .await;
            let made = made.map_err(explain).context("The route was not made")?;
            answer(&made.value.id.to_string())?;
        }
        RouteCommand::List => {
            for route in routes::list_routes(&context, OPERATOR).await? {
                answer(&line(&route))?;
            }
        }
        RouteCommand::Delete { route } => {
            let deleted = routes::delete_route(&context, OPERATOR, route, &Change::by_operator(now)).await;
            deleted.map_err(explain).context("The route was not deleted")?;
            eprintln!("Deleted {route}.");
        }
    }
    Ok(())
}

fn line(route: &Route) -> String {
    let state = if route.enabled { "enabled" } else { "disabled" };
    let list = |values: Vec<String>| if values.is_empty() { "all".to_owned() } else { values.join(",") };
    let countries = list(route.countries.iter().map(Country::as_str).map(str::to_owned).collect());
    let prefixes = list(route.prefixes.iter().map(|digits| format!("+{digits}")).collect());
    let (id, name, provider) = (route.id, &route.name, route.provider);
    format!("{id}\t{name}\t{provider}\t{state}\t{}\t{}\t{countries}\t{prefixes}", route.order, route.weight)
}
