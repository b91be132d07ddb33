module github.com/countersign/countersign/sdk/go/tests

go 1.24.0

require github.com/countersign/countersign/sdk/go v0.0.0

require github.com/standard-webhooks/standard-webhooks/libraries v0.0.1

replace github.com/countersign/countersign/sdk/go => ../
