module github.com/countersign/countersign/sdk/go

go 1.24.0
