// What the doors of the connector export, whatever the runtime.

export {
  type Connector,
  type ConnectorAuth,
  type ConnectorConfig,
  type ConnectorMessage,
  type ConnectorSendOptions,
  type ConnectorTemplate,
  connectorSchema,
  exampleConfig,
  type Report,
  type Step,
  type StepDetail,
  type StepName,
  type TestOptions,
} from "./connector.ts";
export {
  findService,
  listServices,
  nearServices,
  type Service,
  type ServiceName,
  type SmtpApi,
  type SmtpApiFilters,
  type SmtpApiHeader,
  type SmtpApiSettings,
  sendGrid,
} from "./services.ts";
