"""What an operation raises when it says no, in AWS's own terms."""

from __future__ import annotations


class ApiError(Exception):
    """One refused request.

    Attributes:
        code: AWS's error class: `ClientException` (the caller's fault, HTTP 400) and `ServerException` (500) are the
            two of Batch's model; `SerializationException` (400) and `UnknownOperationException` (404) come from the
            layer in front of every AWS service.
        status: the HTTP status.
        message: AWS's text.
    """

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status
        self.message = message


def refusal(message: str) -> ApiError:
    """A `ClientException` with AWS's bare text: refusals over state (`Object already exists`)."""
    return ApiError("ClientException", 400, message)


def execution_refusal(message: str, request_id: str) -> ApiError:
    """A `ClientException` in the wrapping that AWS Batch gives to its own validations of values.

    Source: texts of real accounts: `Error executing request, Exception : Instance role is required., RequestId: …`.
    """
    return refusal(f"Error executing request, Exception : {message}, RequestId: {request_id}")


def serialization_error(message: str) -> ApiError:
    """The body is not JSON, or a value is of another JSON type than the model says."""
    return ApiError("SerializationException", 400, message)
