//! A server does not bind unless its services are those that its role declares, each with a rule for every method.

use hallpass_contract::auth::{
    CreateDelegationRequest, CreateDelegationResponse, DELEGATION_SERVICE, DelegationService,
    ListDelegationsRequest, ListDelegationsResponse, REVOCATION_SERVICE, RevokeDelegationRequest,
    RevokeDelegationResponse, TOKEN_SERVICE, serve_delegation_service, serve_revocation_service,
    serve_token_service,
};
use hallpass_policy::{Permit, Rule};
use hallpass_server::{Contract, Server, ServiceSet, ServiceSetError, StartError};

use tonic::Status;

use crate::fixture::{DECLARED, Flags, Revocations, Tokens, config, gate, services, setup};

fn tokens() -> ServiceSet {
    ServiceSet::default().add(serve_token_service(Tokens(gate())))
}

/// The contract with one rule forgotten.
fn forgetful(path: &str) -> Option<&'static Rule> {
    hallpass_contract::rule(path).filter(|rule| rule.method != "IntrospectToken")
}

#[tokio::test]
async fn each_way_in_which_a_set_is_refused() {
    const ALL: &[&str] = &[TOKEN_SERVICE, REVOCATION_SERVICE, "hallpass.labeler.v1.DatasetService"];
    let rows = [
        (services(&gate()), DECLARED, None),
        (tokens(), DECLARED, Some(ServiceSetError::Missing(REVOCATION_SERVICE.to_owned()))),
        (services(&gate()), ALL, Some(ServiceSetError::Missing(ALL[2].to_owned()))),
        (
            services(&gate()),
            &[TOKEN_SERVICE],
            Some(ServiceSetError::Undeclared(REVOCATION_SERVICE)),
        ),
    ];
    for (services, declared, expected) in rows {
        let (mut setup, _) = setup(services);
        setup.declared = declared.to_vec();
        let refused = Server::bind(&config(&Flags::new()), setup).await.err();
        let expected = expected.map(StartError::Services);
        assert_eq!(refused.map(|e| e.to_string()), expected.map(|e| e.to_string()));
    }
}

struct Delegations;

impl DelegationService for Delegations {
    type Error = Status;

    async fn create_delegation(
        &self,
        _: Permit,
        _: CreateDelegationRequest,
    ) -> Result<CreateDelegationResponse, Status> {
        Err(Status::unimplemented("not asked for"))
    }

    async fn list_delegations(
        &self,
        _: Permit,
        _: ListDelegationsRequest,
    ) -> Result<ListDelegationsResponse, Status> {
        Err(Status::unimplemented("not asked for"))
    }

    async fn revoke_delegation(
        &self,
        _: Permit,
        _: RevokeDelegationRequest,
    ) -> Result<RevokeDelegationResponse, Status> {
        Err(Status::unimplemented("not asked for"))
    }
}

/// The fixture's guard has no store of claims, so what is good for one call could be used again.
#[tokio::test]
async fn tokens_for_one_call_are_not_served_where_none_can_be_claimed() {
    let served = ServiceSet::default().add(serve_delegation_service(Delegations));
    let (mut setup, _) = setup(served);
    setup.declared = vec![DELEGATION_SERVICE];
    let refused = Server::bind(&config(&Flags::new()), setup).await.unwrap_err();
    assert!(matches!(refused, StartError::NoClaims("agents.delegate")), "{refused}");
}

#[tokio::test]
async fn a_method_without_a_rule_is_named() {
    let (mut setup, _) = setup(services(&gate()));
    setup.contract = Contract { rule: forgetful, ..Contract::HALLPASS };
    let refused = Server::bind(&config(&Flags::new()), setup).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("{TOKEN_SERVICE}.IntrospectToken has no rule"));
}

#[test]
fn a_service_that_is_not_in_the_contract_is_named() {
    let contract = Contract { descriptors: &[], ..Contract::HALLPASS };
    let refused = tokens().check(&[TOKEN_SERVICE], &contract).unwrap_err();
    assert_eq!(refused, ServiceSetError::Unknown(TOKEN_SERVICE));
    let known = ServiceSet::default().add(serve_revocation_service(Revocations));
    assert_eq!(known.check(&[REVOCATION_SERVICE], &Contract::HALLPASS), Ok(()));
}
